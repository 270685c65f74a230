"""Entries become rows: what fits passes at once, what does not is found and named, and costs nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_platform.contracts.landing import FIELDS, RawEntries
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.contracts.rejects import DeadLetterReason
from telemetry_platform.processing.batches import decode
from telemetry_platform_tests.usecases.landing import an_id, entry, media_body, milliseconds

if TYPE_CHECKING:
    from telemetry_platform.contracts.landing import LandingEntry

AT = datetime(2026, 2, 17, 10, tzinfo=UTC)
SESSION = an_id("session")
OPEN: dict[int, int | None] = {1: None}


def raw(*entries: LandingEntry) -> RawEntries:
    return RawEntries(
        [b"%d-0" % number for number in range(len(entries))],
        {name: [_bytes(getattr(each, name)) for each in entries] for name in FIELDS},
    )


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def media(number: int, body: dict[str, Any] | bytes | None = None, **fields: object) -> LandingEntry:
    body = media_body(SESSION, "heartbeat", AT, position_seconds=1.5) if body is None else body
    return entry("media", body, AT, an_id(number), **fields)


def altered(**changes: object) -> dict[str, Any]:
    return media_body(SESSION, "heartbeat", AT) | changes


def test_e18_one_wrong_entry_of_100_is_found_and_named() -> None:
    entries = [media(number) for number in range(100)]
    entries[37] = media(37, altered(position_seconds="abc"))
    decoded = decode(kinds()["media"], raw(*entries), OPEN)
    assert [(dead.position, dead.reason, dead.detail) for dead in decoded.dead] == [
        (37, DeadLetterReason.INVALID_FIELD, "position_seconds")
    ]
    assert decoded.positions.to_pylist() == [number for number in range(100) if number != 37]
    assert decoded.rows["event_id"].to_pylist() == [an_id(number) for number in range(100) if number != 37]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", DeadLetterReason.UNREADABLE_BODY),
        (b"\xff\xfe", DeadLetterReason.UNREADABLE_BODY),
        (b"[1]", DeadLetterReason.UNREADABLE_BODY),
        (b"[" * 100_000, DeadLetterReason.UNREADABLE_BODY),
        (orjson.dumps(altered()) + b"\n" + orjson.dumps(altered()), DeadLetterReason.UNREADABLE_BODY),
        (orjson.dumps(altered())[:-1] + b',"position_seconds":1e999}', DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered())[:-1] + b',"position_seconds":NaN}', DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered())[:-1] + b',"event":"play"}', DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered())[:-1] + b',"resolution":"\xff"}', DeadLetterReason.UNREADABLE_BODY),
        (orjson.dumps(altered(session_id="ana@example.com")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(occurred_at=-1)), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(occurred_at=2**62)), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(buffering_count=2**32)), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(buffering_count=-1)), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(is_bot=1)), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(event=None)), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(nobody_knows=1)), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(resolution="a\0b")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(ip_truncated="203.0.113.9")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(ip_truncated="2001:db8:1:2::")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(media_id="Knee Squat")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(media_id="")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(media_type="ana@example.com")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(media_type="Ana Popescu")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(browser_family="ana@example.com")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(event="nonsense")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(event="play\n")), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(position_seconds=-5)), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(position_seconds=604_801)), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(event="milestone", percent=26)), DeadLetterReason.INVALID_FIELD),
        (orjson.dumps(altered(error_message="no answer from 203.0.113.77")), DeadLetterReason.INVALID_FIELD),
    ],
)
def test_e22_a_body_that_is_no_row_is_put_aside_and_its_neighbours_are_not(
    body: bytes, reason: DeadLetterReason
) -> None:
    decoded = decode(kinds()["media"], raw(media(1), media(2, body), media(3)), OPEN)
    assert [(dead.position, dead.reason) for dead in decoded.dead] == [(1, reason)]
    assert decoded.rows["event_id"].to_pylist() == [an_id(1), an_id(3)]


@pytest.mark.parametrize(
    ("fields", "reason", "detail"),
    [
        ({"event_id": "1"}, DeadLetterReason.INVALID_FIELD, "event_id"),
        ({"event_id": an_id(2).upper()}, DeadLetterReason.INVALID_FIELD, "event_id"),
        ({"actor_hash": "u-42"}, DeadLetterReason.INVALID_FIELD, "actor_hash"),
        ({"actor_hash": "", "key_epoch": 0}, DeadLetterReason.INVALID_FIELD, "actor_hash"),
        ({"actor_hash": b"\xff"}, DeadLetterReason.INVALID_FIELD, "actor_hash"),
        ({"org_id": "ana@example.com"}, DeadLetterReason.INVALID_FIELD, "org_id"),
        ({"consent_level": 0}, DeadLetterReason.INVALID_FIELD, "consent_level"),
        ({"consent_level": 1}, DeadLetterReason.INVALID_FIELD, "consent_level"),
        ({"consent_level": 4}, DeadLetterReason.INVALID_FIELD, "consent_level"),
        ({"consent_level": 300}, DeadLetterReason.INVALID_FIELD, "consent_level"),
        ({"key_epoch": "one"}, DeadLetterReason.INVALID_FIELD, "key_epoch"),
        ({"key_epoch": 2}, DeadLetterReason.UNKNOWN_EPOCH, "key_epoch"),
        ({"v": 2}, DeadLetterReason.UNKNOWN_VERSION, "v"),
    ],
)
def test_fields_beside_the_body_are_checked(fields: dict[str, Any], reason: DeadLetterReason, detail: str) -> None:
    entries = raw(media(1), media(2), media(3))
    for name, value in fields.items():
        entries.columns[name][1] = _bytes(value)
    decoded = decode(kinds()["media"], entries, OPEN)
    assert [(dead.position, dead.reason, dead.detail) for dead in decoded.dead] == [(1, reason, detail)]
    assert decoded.rows.num_rows == 2


def test_an_error_report_is_taken_at_consent_1_and_not_below_and_within_the_bounds_of_its_figures() -> None:
    body = {name: value for name, value in altered().items() if name not in {"event", "media_type"}}
    body |= {"source": "video", "error_code": "E1", "fatal": False, "fingerprint": "0" * 32}
    entries = raw(
        entry("errors", body, AT, an_id(1), consent_level=1),
        entry("errors", body, AT, an_id(2), consent_level=0),
        entry("errors", body | {"position_seconds": -5}, AT, an_id(3), consent_level=1),
        entry("errors", body | {"message": "mail to ana@example.com"}, AT, an_id(4), consent_level=1),
    )
    decoded = decode(kinds()["errors"], entries, OPEN)
    assert decoded.rows["event_id"].to_pylist() == [an_id(1)]
    assert [dead.detail for dead in decoded.dead] == ["consent_level", "position_seconds", "message"]


def test_an_audit_entry_may_be_nobodys_and_is_not_gated() -> None:
    body = {
        "occurred_at": milliseconds(AT),
        "actor_type": "system",
        "action": "backup.made",
        "resource_type": "database",
        "outcome": "success",
    }
    each = entry("audit", body, AT, an_id(1), actor_hash="", key_epoch=0, consent_level=0)
    assert not decode(kinds()["audit"], raw(each), OPEN).dead


def test_an_entry_without_any_field_is_put_aside() -> None:
    entries = raw(media(1), media(2))
    for values in entries.columns.values():
        values[0] = b""
    assert [dead.position for dead in decode(kinds()["media"], entries, OPEN).dead] == [0]


def test_a_closed_epoch_takes_what_was_received_in_its_time() -> None:
    received = milliseconds(AT)
    entries = raw(media(1))
    assert not decode(kinds()["media"], entries, {1: received}).dead
    assert [dead.reason for dead in decode(kinds()["media"], entries, {1: received - 1}).dead] == [
        DeadLetterReason.UNKNOWN_EPOCH
    ]


def test_a_body_larger_than_a_block_of_the_reader_is_still_a_row() -> None:
    large = altered(error_message="x" * (3 << 20))
    decoded = decode(kinds()["media"], raw(media(1), media(2, large), media(3)), OPEN)
    assert not decoded.dead
    assert decoded.rows.num_rows == 3


def test_drops_need_no_epoch() -> None:
    body = {"kind": "media", "event": "play", "reason": "consent_too_low"}
    each = entry("drops", body, AT, an_id(1), actor_hash="", key_epoch=0, consent_level=1)
    decoded = decode(kinds()["drops"], raw(each), {})
    assert not decoded.dead
    assert decoded.rows.to_pylist()[0]["reason"] == "consent_too_low"


@settings(deadline=None)
@given(bodies=st.lists(st.one_of(st.just(None), st.binary(max_size=40)), max_size=12))
def test_whatever_bytes_come_every_entry_is_a_row_or_put_aside(bodies: list[bytes | None]) -> None:
    good = orjson.dumps(altered())
    entries = raw(*(media(number, good if body is None else body) for number, body in enumerate(bodies)))
    decoded = decode(kinds()["media"], entries, OPEN)
    dead = {each.position for each in decoded.dead}
    assert decoded.positions.to_pylist() == [number for number in range(len(bodies)) if number not in dead]
    assert dead == {number for number, body in enumerate(bodies) if body is not None}


def test_a_type_that_needs_more_than_its_kind_is_put_aside_when_it_has_less() -> None:
    shared = {"occurred_at": milliseconds(AT), "client_at": milliseconds(AT), "skewed": False, "route": "/plans"}
    device = {"device_type": "desktop", "browser_family": "Firefox", "os_family": "Linux", "is_bot": False}
    entries = raw(
        *(
            entry("analytics", shared | device | {"kind": kind}, AT, an_id(kind, level), consent_level=level)
            for level in (2, 3)
            for kind in ("page_view", "marketing_touch", "behaviour_trace")
        )
    )
    decoded = decode(kinds()["analytics"], entries, OPEN)
    assert decoded.rows["kind"].to_pylist() == ["page_view", "page_view", "marketing_touch", "behaviour_trace"]
    assert decoded.positions.to_pylist() == [0, 3, 4, 5]
    assert [(dead.position, dead.detail) for dead in decoded.dead] == [(1, "consent_level"), (2, "consent_level")]


def test_an_address_under_a_key_that_nobody_knows_costs_its_entry_alone() -> None:
    def security(number: int, **address: object) -> LandingEntry:
        body = {
            "occurred_at": milliseconds(AT),
            "type": "auth.failed",
            "severity": "medium",
            "details": "{}",
            "ip_truncated": "203.0.113.0",
        }
        return entry("security", body | address, AT, an_id("address", number))

    known, unknown = ({"address_hash": "c" * 64, "address_key_epoch": epoch} for epoch in (2, 3))
    entries = raw(security(1, **known), security(2, **unknown), security(3))
    decoded = decode(kinds()["security"], entries, OPEN, {1, 2})
    assert [(dead.position, dead.reason, dead.detail) for dead in decoded.dead] == [
        (1, DeadLetterReason.UNKNOWN_EPOCH, "address_key_epoch")
    ]
    assert decoded.positions.to_pylist() == [0, 2]
