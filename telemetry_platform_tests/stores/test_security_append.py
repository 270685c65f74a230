"""Security events on the real engine: appended once, each tenant's ids its own, and changed by nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from telemetry_platform.embedded.postgres import SUPERUSER
from telemetry_platform.errors import LeaseLostError, PermanentError
from telemetry_platform.stores import security_log
from telemetry_platform_tests.stores.trail import FENCING, ROLES, Trail, trail_of

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

ADDRESS = "d" * 64


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    return trail_of(engines, module_platform)


def entry(event_id: UUID | None = None, **changed: object) -> dict[str, Any]:
    """What the drain hands over of a failed sign-in."""
    return {
        "event_id": str(event_id or uuid4()),
        "occurred_at": 1_771_322_400_123,
        "org_id": "clinic-1",
        "type": "auth.failed",
        "severity": "medium",
        "rule_id": None,
        "method": "POST",
        "path": "/auth/token",
        "details": '{"attempts":12}',
        "actor_hash": "a" * 64,
        "key_epoch": 1,
        "ip_truncated": "203.0.113.0",
        "address_hash": ADDRESS,
        "address_key_epoch": 1,
        "country_code": "RO",
        "user_agent_family": "Firefox",
    } | changed


def append(trail: Trail, *entries: dict[str, Any], fencing: int = FENCING) -> tuple[int, int, int]:
    """One batch in a transaction of its own: stored, duplicate, id_conflict."""
    with trail.connect("telemetry_ingest") as connection:
        taken = security_log.append(
            connection,
            json.dumps(entries).encode(),
            stream="telemetry:landing:security:0",
            batch_id=str(uuid4()),
            fencing=fencing,
        )
    return taken.stored, taken.duplicate, taken.id_conflict


def test_an_event_is_a_row_with_its_details(trail: Trail) -> None:
    sent = entry()
    assert append(trail, sent) == (1, 0, 0)
    rows = trail.rows(
        "SELECT type, details, address_hash, occurred_at = to_timestamp(1771322400.123), tableoid::regclass::text "
        "LIKE 'security.security_events_2%%' FROM security.security_events WHERE event_id = %s",
        [sent["event_id"]],
    )
    assert rows == [("auth.failed", {"attempts": 12}, ADDRESS, True, True)]


def test_copies_are_counted_and_the_first_content_wins(trail: Trail) -> None:
    first = entry()
    assert append(trail, first, first | {"severity": "low"}, entry()) == (2, 0, 1)
    later = first | {"occurred_at": 1_771_322_999_000, "ip_truncated": None, "address_hash": None}
    assert append(trail, later | {"address_key_epoch": None}) == (0, 1, 0)
    assert append(trail, first | {"details": '{"attempts": 12}'}, first | {"details": None}) == (0, 1, 1)
    assert append(trail, first | {"actor_hash": "c" * 64}) == (0, 0, 1)
    assert append(trail, first | {"actor_hash": "c" * 64, "key_epoch": 2}) == (0, 1, 0)
    rows = trail.rows("SELECT severity FROM security.security_events WHERE event_id = %s", [first["event_id"]])
    assert rows == [("medium",)]


def test_two_tenants_may_choose_one_id(trail: Trail) -> None:
    first = entry()
    assert append(trail, first, first | {"org_id": "clinic-2"}) == (2, 0, 0)


def test_a_drain_without_the_lease_cannot_append(trail: Trail) -> None:
    with pytest.raises(LeaseLostError):
        append(trail, entry(), fencing=FENCING + 1)


@pytest.mark.parametrize("role", [*ROLES, SUPERUSER])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {table} SET org_id = org_id",
        "UPDATE {table} SET org_id = org_id WHERE false",
        "DELETE FROM {table}",
        "TRUNCATE {table}",
    ],
)
def test_nobody_changes_what_is_recorded(trail: Trail, role: str, change: str) -> None:
    append(trail, entry())
    ((partition,),) = trail.rows("SELECT DISTINCT tableoid::regclass::text FROM security.security_events")
    for table in ("security.security_events", partition, "security.event_index"):
        with trail.connect(role) as connection, pytest.raises(PermanentError, match=r"append-only|42501"):
            connection.execute(change.format(table=table).encode())


@pytest.mark.parametrize("role", ["telemetry_ingest", "telemetry_read", "telemetry_retention"])
def test_nobody_writes_past_the_function(trail: Trail, role: str) -> None:
    with trail.connect(role) as connection, pytest.raises(PermanentError, match="42501"):
        connection.execute("INSERT INTO security.security_events SELECT * FROM security.security_events")


@pytest.mark.parametrize(
    "wrong",
    [
        {"severity": "bad"},
        {"ip_truncated": "203.0.113.7"},
        {"actor_hash": "ana"},
        {"address_key_epoch": None},
        {"details": "{"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_no_row_may_hold_is_refused_and_leaves_nothing(trail: Trail, wrong: dict[str, object]) -> None:
    good, bad = entry(), entry() | wrong
    with pytest.raises(PermanentError):
        append(trail, good, bad)
    assert append(trail, good) == (1, 0, 0)
