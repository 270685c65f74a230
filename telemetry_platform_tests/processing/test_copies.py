"""Copies and conflicts: an event is its `event_id` in its tenant, and what it says tells a copy from a conflict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_platform.contracts.columns import content_columns
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing import copies
from telemetry_platform.processing.batches import decode
from telemetry_platform_tests.processing.test_batches import OPEN, SESSION, media, raw
from telemetry_platform_tests.usecases.landing import an_id, media_body

AT = datetime(2026, 2, 17, 10, tzinfo=UTC)
MEDIA = kinds()["media"]
ORG = "clinic-1"
"""The tenant of `media`'s entries."""


def rows(*events: tuple[int, float | None]) -> pa.Table:
    """Rows with these ids and positions."""
    entries = [
        media(number, media_body(SESSION, "heartbeat", AT, position_seconds=position)) for number, position in events
    ]
    return decode(MEDIA, raw(*entries), OPEN).rows


def stored(*events: tuple[int, float | None]) -> pa.Table:
    return rows(*events).select(
        ["event_id", "org_id", *(n for n in content_columns(MEDIA.table.columns) if n != "event_id")]
    )


def test_of_equal_ids_the_first_is_kept_and_others_are_told_apart_by_content() -> None:
    sifted = copies.within_batch(MEDIA.table, rows((1, 1.0), (2, None), (1, 1.0), (2, 2.0), (3, None), (3, None)))
    assert sifted.keep.to_pylist() == [True, True, False, False, True, False]
    assert (sifted.duplicate, sifted.id_conflict) == (2, 1)


def test_equal_rows_with_different_ids_are_two_events() -> None:
    sifted = copies.within_batch(MEDIA.table, rows((1, 1.0), (2, 1.0)))
    assert sifted.keep.to_pylist() == [True, True]


def test_a_re_send_with_another_time_of_receipt_or_address_is_no_conflict() -> None:
    first = media_body(SESSION, "heartbeat", AT)
    again = first | {"occurred_at": first["occurred_at"] + 700, "ip_truncated": "198.51.100.0", "skewed": True}
    both = decode(MEDIA, raw(media(1, first), media(1, again)), OPEN).rows
    sifted = copies.within_batch(MEDIA.table, both)
    assert (sifted.duplicate, sifted.id_conflict) == (1, 0)


def test_what_another_batch_stored_is_not_kept() -> None:
    sifted = copies.against_stored(
        MEDIA.table, rows((1, 1.0), (2, 2.0), (3, 3.0)), stored((2, 2.0), (3, 4.0), (9, 1.0))
    )
    assert sifted.keep.to_pylist() == [True, False, False]
    assert (sifted.duplicate, sifted.id_conflict) == (1, 1)


def test_one_tenant_s_ids_say_nothing_about_another_s() -> None:
    one, other = media(1), media(1, org_id="clinic-2")
    both = decode(MEDIA, raw(one, other, one, other), OPEN).rows
    sifted = copies.within_batch(MEDIA.table, both)
    assert sifted.keep.to_pylist() == [True, True, False, False]
    assert (sifted.duplicate, sifted.id_conflict) == (2, 0)
    known = copies.against_stored(MEDIA.table, both.slice(0, 2), stored((1, 1.5)))
    assert known.keep.to_pylist() == [False, True]
    assert (known.duplicate, known.id_conflict) == (1, 0)
    starts = pa.table({"session_id": [SESSION], "org_id": [ORG], "started_at": [AT - timedelta(hours=25)]})
    assert copies.in_time(both.slice(0, 2), starts, timedelta(hours=24)).to_pylist() == [False, True]


def test_nothing_is_late_before_its_session_is_known() -> None:
    starts = pa.table({"session_id": [SESSION], "org_id": [ORG], "started_at": [AT - timedelta(hours=24)]})
    other = pa.table({"session_id": [an_id("other")], "org_id": [ORG], "started_at": [AT - timedelta(days=3)]})
    event = rows((1, None))
    assert copies.in_time(event, starts, timedelta(hours=24)).to_pylist() == [True]
    assert copies.in_time(event, starts, timedelta(hours=23, minutes=59)).to_pylist() == [False]
    assert copies.in_time(event, other, timedelta(hours=24)).to_pylist() == [True]


@settings(deadline=None)
@given(ids=st.lists(st.integers(0, 6), max_size=30), known=st.sets(st.integers(0, 6)))
def test_every_id_is_kept_once_unless_it_is_stored(ids: list[int], known: set[int]) -> None:
    batch = rows(*((number, 1.0) for number in ids))
    first = copies.within_batch(MEDIA.table, batch)
    new = batch.filter(first.keep)
    second = copies.against_stored(MEDIA.table, new, stored(*((number, 1.0) for number in sorted(known))))
    kept = new.filter(second.keep)["event_id"].to_pylist()
    assert kept == [an_id(number) for number in dict.fromkeys(ids) if number not in known]
    assert len(kept) + first.duplicate + second.duplicate == len(ids)
