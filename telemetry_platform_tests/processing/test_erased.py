"""What is from before an erasure is left out, of every kind, in whatever state it comes; nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.contracts.rejects import DeadLetterReason
from telemetry_platform.processing.batches import DeadEntry, Decoded, decode
from telemetry_platform.processing.erased import body_moment, holds_actors, is_before, spared, without_erased
from telemetry_platform_tests.processing.test_batches import raw
from telemetry_platform_tests.usecases.landing import ACTOR, an_id, entry, media_body, milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from telemetry_platform.contracts.landing import LandingEntry

ERASED_AT = datetime(2026, 2, 17, 10, tzinfo=UTC)
OPEN: dict[int, int | None] = {1: None}
OTHER = "c" * 64
TOMBSTONES = {("clinic-1", ACTOR): milliseconds(ERASED_AT)}
SECOND = timedelta(seconds=1)


def media(number: int, occurred: timedelta, received: timedelta, **fields: object) -> LandingEntry:
    body = media_body(an_id("session", number), "heartbeat", ERASED_AT + occurred, position_seconds=1.0)
    return entry("media", body, ERASED_AT + received, an_id(number), **fields)


def security(number: int, occurred: timedelta, received: timedelta, **fields: object) -> LandingEntry:
    body = {
        "occurred_at": milliseconds(ERASED_AT + occurred),
        "type": "auth.failed",
        "severity": "low",
        "ip_truncated": "203.0.113.0",
        "address_hash": "d" * 64,
        "address_key_epoch": 1,
    }
    return entry("security", body, ERASED_AT + received, an_id(number), **fields)


def nobody_asks(_: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
    raise AssertionError("only for sessions of erased persons that the event's own times say nothing of")


def judged(kind: str, *entries: LandingEntry, began: timedelta | None = None) -> Decoded:
    rows = raw(*entries)
    decoded = decode(kinds()[kind], rows, OPEN, {1})

    def beginnings(sessions: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        return dict.fromkeys(sessions, milliseconds(ERASED_AT + began)) if began is not None else nobody_asks(sessions)

    return without_erased(kinds()[kind], rows, decoded, TOMBSTONES, beginnings)


@pytest.mark.parametrize(
    ("occurred", "received", "began", "stays"),
    [
        (-SECOND, -SECOND, None, False),
        (timedelta(), timedelta(), None, False),
        # Sent again, or late: what happened before.
        (-SECOND, SECOND, None, False),
        # A clock that runs ahead.
        (SECOND, -SECOND, None, False),
        (SECOND, SECOND, -SECOND, False),
        (SECOND, SECOND, timedelta(), False),
        (SECOND, SECOND, timedelta(milliseconds=1), True),
    ],
)
def test_what_occurred_was_received_or_began_by_then_is_left_out(
    occurred: timedelta,
    received: timedelta,
    began: timedelta | None,
    stays: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    decoded = judged("media", media(1, occurred, received), began=began)
    assert (decoded.rows.num_rows, decoded.positions.to_pylist(), decoded.erased) == (
        (1, [0], 0) if stays else (0, [], 1)
    )


def test_other_persons_and_the_same_pseudonym_of_another_tenant_stay() -> None:
    before = (-SECOND, -SECOND)
    decoded = judged(
        "media",
        media(1, *before, actor_hash=OTHER),
        media(2, *before, org_id="clinic-2"),
        media(3, *before),
    )
    assert decoded.positions.to_pylist() == [0, 1]
    assert decoded.erased == 1


def test_a_security_event_stays_without_the_person_and_their_address() -> None:
    decoded = judged("security", security(1, -SECOND, -SECOND), security(2, SECOND, SECOND))
    assert decoded.erased == 0
    columns = ("actor_hash", "key_epoch", "address_hash", "address_key_epoch", "ip_truncated")
    assert [tuple(row[name] for name in columns) for row in decoded.rows.to_pylist()] == [
        ("", 0, None, None, "203.0.113.0"),
        (ACTOR, 1, "d" * 64, 1, "203.0.113.0"),
    ]


def test_what_cannot_be_read_and_is_from_before_becomes_no_dead_letter() -> None:
    entries = [
        entry("media", b"{", ERASED_AT - SECOND, an_id(1)),
        entry("media", b"{", ERASED_AT + SECOND, an_id(2)),
        entry("media", b'{"occurred_at": 1, "event": 5}', ERASED_AT + SECOND, an_id(3)),
        entry("media", b"{", ERASED_AT + SECOND, an_id(4), received_at="soon"),
        entry("media", b"{", ERASED_AT - SECOND, an_id(5), actor_hash=OTHER),
    ]
    decoded = judged("media", *entries)
    assert [dead.position for dead in decoded.dead] == [1, 4]
    assert decoded.erased == 3


def test_an_entry_of_frames_counts_all_of_them() -> None:
    rows = raw(entry("pose", b"{", ERASED_AT - SECOND, an_id(1)))
    dead = (DeadEntry(0, DeadLetterReason.INVALID_FIELD, "points", events=7),)
    assert spared(rows, dead, TOMBSTONES) == ((), 7)
    assert spared(rows, dead, {}) == (dead, 0)


@pytest.mark.parametrize(
    ("body", "moment"),
    [
        (b"{", None),
        (b"[1]", None),
        (b"{}", None),
        (b'{"occurred_at": "1"}', None),
        (b'{"occurred_at": true}', None),
        (b'{"occurred_at": 17}', 17),
        (b'{"occurred_at": [19, 18, null]}', 18),
        (b'{"occurred_at": []}', None),
        (b"\xff", None),
    ],
)
def test_when_a_body_says_that_it_occurred(body: bytes, moment: int | None) -> None:
    assert body_moment(body) == moment


def test_the_kinds_that_tombstones_speak_of() -> None:
    found = {name for name, kind in kinds().items() if holds_actors(kind)}
    assert found >= {"analytics", "errors", "media", "pose", "security", "staff_metrics"}
    assert not {"audit", "api_metrics", "drops"} & found


@given(erased_at=st.integers(0, 9), moments=st.lists(st.none() | st.integers(0, 9), max_size=3))
def test_a_later_erasure_leaves_out_more_and_never_less(erased_at: int, moments: list[int | None]) -> None:
    if is_before(erased_at, *moments):
        assert is_before(erased_at + 1, *moments)
    known = [moment for moment in moments if moment is not None]
    assert is_before(erased_at, *moments) == (bool(known) and min(known) <= erased_at)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ACTOR, OTHER]),
            st.sampled_from(["clinic-1", "clinic-2"]),
            st.integers(-2, 2),
            st.integers(-2, 2),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_every_event_is_counted_once_and_the_second_look_finds_nothing(
    given_events: list[tuple[str, str, int, int, bool]],
) -> None:
    entries = [
        media(number, occurred * SECOND, received * SECOND, actor_hash=actor, org_id=org)
        for number, (actor, org, occurred, received, _) in enumerate(given_events)
    ]
    broken = [
        each
        if whole
        else entry("media", b"{", ERASED_AT + received * SECOND, each.event_id, actor_hash=actor, org_id=org)
        for each, (actor, org, _, received, whole) in zip(entries, given_events, strict=True)
    ]
    rows = raw(*broken)
    kind = kinds()["media"]

    def began(sessions: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        return dict.fromkeys(sessions, milliseconds(ERASED_AT) + 1)

    decoded = decode(kind, rows, OPEN)
    once = without_erased(kind, rows, decoded, TOMBSTONES, began)
    assert once.rows.num_rows + once.dead_events + once.erased == len(broken)
    assert without_erased(kind, rows, once, TOMBSTONES, began).erased == once.erased
    kept = [broken[place] for place in once.positions.to_pylist()]
    late = milliseconds(ERASED_AT)
    assert not [
        each
        for each in kept
        if (each.org_id, each.actor_hash) in TOMBSTONES
        and min(each.received_at, orjson.loads(each.body)["occurred_at"]) <= late
    ]
