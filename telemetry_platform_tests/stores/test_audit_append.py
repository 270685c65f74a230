"""`audit.append`, the one way into the trail: gapless, once, fenced, all or nothing."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from telemetry_platform.errors import LeaseLostError, PermanentError
from telemetry_platform_tests.stores.trail import FENCING, Trail, append, entry, trail_of

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings


@pytest.fixture
def platform(trail_platform: Settings) -> Settings:
    return trail_platform


@pytest.fixture
def trail(engines: PlatformHandle, platform: Settings) -> Trail:
    return trail_of(engines, platform)


def _sequence(trail: Trail) -> list[int]:
    return [row[0] for row in trail.rows("SELECT seq FROM audit.audit_logs ORDER BY recorded_at, seq")]


def test_an_entry_becomes_a_row_with_the_time_to_the_millisecond(trail: Trail) -> None:
    given = entry()
    assert trail.append(given) == (1, 0, 0, 1)
    ((seq, event_id, occurred_at, actor, address, hashes),) = trail.rows(
        "SELECT seq, event_id::text, occurred_at, actor_hash, ip_truncated, "
        "num_nonnulls(details_hash, prev_hash, row_hash) FROM audit.audit_logs"
    )
    assert (seq, event_id, actor, address) == (1, given["event_id"], "a" * 64, "192.168.1.0")
    assert occurred_at == datetime(2026, 2, 17, 10, 0, 0, 123_000, tzinfo=UTC)
    assert hashes == 2, "there are no details to be digested"


def test_transactions_that_roll_back_leave_no_gap(trail: Trail) -> None:
    def write(number: int) -> None:
        with trail.connect("telemetry_ingest", autocommit=False) as connection:
            for turn in range(10):
                append(connection, entry(), entry(), stream=f"telemetry:landing:audit:{number}")
                connection.commit() if (turn + number) % 2 else connection.rollback()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert _sequence(trail) == list(range(1, 81))


def test_a_killed_writer_leaves_nothing_and_blocks_nobody(trail: Trail) -> None:
    writer = trail.connect("telemetry_ingest", autocommit=False)
    append(writer, entry())
    pid = writer.info.backend_pid
    with trail.connect("postgres") as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert trail.append(entry()) == (1, 0, 0, 1)
    assert _sequence(trail) == [1]


def test_the_same_event_in_a_later_batch_is_a_duplicate_although_times_and_address_differ(trail: Trail) -> None:
    first = entry()
    trail.append(first)
    again = first | {"occurred_at": 1_771_322_999_000, "ip_truncated": "10.1.2.0", "device_type": "desktop"}
    assert trail.append(again, entry()) == (1, 1, 0, 2)
    assert trail.rows("SELECT ip_truncated FROM audit.audit_logs WHERE seq = 1") == [("192.168.1.0",)]


def test_the_same_event_twice_in_a_batch_is_stored_once_and_the_first_wins(trail: Trail) -> None:
    first = entry(country_code="RO")
    assert trail.append(entry(), first, first | {"country_code": "DE"}, entry()) == (3, 1, 0, 3)
    assert trail.rows("SELECT country_code FROM audit.audit_logs WHERE event_id = %s", [first["event_id"]]) == [("RO",)]


@pytest.mark.parametrize(
    "changed",
    [{"action": "media.delete"}, {"outcome": "denied"}, {"actor_hash": "c" * 64}],
    ids=lambda changed: next(iter(changed)),
)
def test_another_content_under_a_known_id_is_a_conflict_and_the_first_stays(
    trail: Trail, changed: dict[str, str]
) -> None:
    first = entry()
    trail.append(first)
    assert trail.append(first | changed) == (0, 0, 1, 1)
    column = next(iter(changed))
    assert trail.rows(f"SELECT {column} FROM audit.audit_logs") == [(first[column],)]  # noqa: S608 - our own names


def test_two_tenants_may_choose_one_id(trail: Trail) -> None:
    first = entry()
    assert trail.append(first, first | {"org_id": "clinic-2"}) == (2, 0, 0, 2)
    assert trail.append(first | {"org_id": "clinic-2"}, first) == (0, 2, 0, 2)


def test_details_lie_beside_the_row_which_holds_their_digest(trail: Trail) -> None:
    said = {"fields": ["plan", 2, None], "note": 'line "one"\nline \\u0000 two', "\N{REPLACEMENT CHARACTER}": {"a": 1}}
    trail.append(entry(details=json.dumps(said)), entry(), entry(details=json.dumps(said)))
    rows = trail.rows(
        "SELECT l.seq, d.body, l.details_hash = encode(sha256(d.nonce || convert_to(d.body::text, 'UTF8')), 'hex'), "
        "l.details_hash FROM audit.audit_logs l LEFT JOIN audit.details d USING (seq) ORDER BY l.seq"
    )
    assert [row[:3] for row in rows] == [(1, said, True), (2, None, None), (3, said, True)]
    assert rows[0][3] != rows[2][3], "equal details must not be seen to be equal"


@pytest.mark.parametrize("details", ['{"a":2}', None])
def test_other_details_under_a_known_id_are_a_conflict_and_the_same_in_another_order_are_none(
    trail: Trail, details: str | None
) -> None:
    first = entry(details='{"a":1,"b":2}')
    trail.append(first)
    assert trail.append(first | {"details": '{"b": 2, "a": 1}'}) == (0, 1, 0, 1)
    assert trail.append(first | {"details": details}) == (0, 0, 1, 1)
    assert trail.rows("SELECT body FROM audit.details") == [({"a": 1, "b": 2},)]


def test_a_pseudonym_under_the_next_key_is_no_conflict(trail: Trail) -> None:
    first = entry()
    trail.append(first)
    assert trail.append(first | {"actor_hash": "c" * 64, "key_epoch": 2}) == (0, 1, 0, 1)


def test_a_batch_that_comes_again_gets_its_first_answer(trail: Trail) -> None:
    known = entry()
    trail.append(known)
    batch = (entry(), known, known | {"action": "media.delete"})
    assert trail.append(*batch, batch_id="b-2") == (1, 1, 1, 2)
    assert trail.append(*batch, batch_id="b-2") == (1, 1, 1, 2)
    assert _sequence(trail) == [1, 2]


def test_an_empty_batch_moves_nothing_but_the_offset(trail: Trail) -> None:
    assert trail.append(batch_id="empty") == (0, 0, 0, 0)
    assert trail.rows("SELECT batch_id, seq FROM audit.stream_offsets") == [("empty", 0)]


def test_a_drain_without_the_lease_cannot_append(trail: Trail) -> None:
    with pytest.raises(LeaseLostError):
        trail.append(entry(), fencing=FENCING + 1)
    trail.give_lease(seconds=-1)
    with pytest.raises(LeaseLostError):
        trail.append(entry())
    assert _sequence(trail) == []


def test_a_drain_that_was_overtaken_cannot_append(trail: Trail) -> None:
    trail.give_lease(FENCING + 1)
    trail.append(entry(), fencing=FENCING + 1)
    trail.give_lease(FENCING)  # even if somebody handed the old number out again
    with pytest.raises(LeaseLostError):
        trail.append(entry())
    assert _sequence(trail) == [1]


def test_one_wrong_entry_takes_back_the_whole_batch_and_its_value_is_not_told(trail: Trail) -> None:
    with pytest.raises(PermanentError, match="23514, constraint address_is_truncated") as caught:
        trail.append(entry(), entry(ip_truncated="203.0.113.77"))
    assert "203.0.113" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert _sequence(trail) == []


@pytest.mark.parametrize("address", ["192.168.1.0", "2001:db8:1::", None])
def test_truncated_addresses_are_taken(trail: Trail, address: str | None) -> None:
    assert trail.append(entry(ip_truncated=address))[0] == 1


@pytest.mark.parametrize("address", ["192.168.1.45", "2001:db8:1:2::", "2001:db8:1::1", "somewhere", ""])
def test_addresses_that_are_not_truncated_are_refused(trail: Trail, address: str) -> None:
    with pytest.raises(PermanentError):
        trail.append(entry(ip_truncated=address))


def test_what_is_no_batch_is_refused_with_a_message(trail: Trail) -> None:
    with (
        trail.connect("telemetry_ingest") as connection,
        pytest.raises(PermanentError, match="takes an array of entries"),
    ):
        connection.execute("SELECT audit.append('{}', 's', 'b', 7)")


def test_recorded_at_never_goes_back_when_the_clock_does(trail: Trail) -> None:
    with trail.connect("postgres") as admin:
        admin.execute("UPDATE audit.head SET recorded_at = now() + interval '40 days'")
    trail.append(entry())
    trail.append(entry(uuid4()))
    ((smallest, ahead),) = trail.rows(
        "SELECT min(recorded_at) >= (SELECT recorded_at FROM audit.head), "
        "min(recorded_at) > now() + interval '39 days' FROM audit.audit_logs"
    )
    assert smallest
    assert ahead
    assert _sequence(trail) == [1, 2]


def test_the_trail_goes_on_in_a_month_that_nobody_prepared(trail: Trail) -> None:
    with trail.connect("postgres") as admin:
        admin.execute("UPDATE audit.head SET recorded_at = date_trunc('month', now()) + interval '2 years'")
    assert trail.append(entry()) == (1, 0, 0, 1)
    ((partition,),) = trail.rows("SELECT tableoid::regclass::text FROM audit.audit_logs")
    with trail.connect("telemetry_owner") as owner, pytest.raises(PermanentError, match="append-only"):
        owner.execute(f"TRUNCATE {partition}".encode())
