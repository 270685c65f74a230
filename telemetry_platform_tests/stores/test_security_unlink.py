"""The one thing that changes a security event: an erasure takes the person out of it, by one function alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.embedded.postgres import SUPERUSER
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import erasure_counts
from telemetry_platform_tests.stores.test_security_append import append, entry
from telemetry_platform_tests.stores.trail import ROLES, Trail, trail_of

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

PERSON, OTHER = "a" * 64, "b" * 64
LINKED = "SELECT event_id::text, actor_hash, key_epoch, address_hash, address_key_epoch FROM security.security_events"
UNLINKING = "actor_hash = '', key_epoch = 0, address_hash = NULL, address_key_epoch = NULL"


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    return trail_of(engines, module_platform)


def _partition(trail: Trail) -> str:
    ((found,),) = trail.rows("SELECT DISTINCT tableoid::regclass::text FROM security.security_events")
    return str(found)


def _row(trail: Trail, event_id: str) -> tuple[Any, ...]:
    (found,) = trail.rows(f"{LINKED} WHERE event_id = %s", [event_id])
    return found[1:]


def test_the_person_and_their_address_go_and_the_event_stays(trail: Trail) -> None:
    mine, of_another, elsewhere = entry(), entry(actor_hash=OTHER), entry(org_id="clinic-2")
    later = entry(occurred_at=round(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000))
    append(trail, mine, of_another, elsewhere)
    moment = datetime.now(UTC)
    append(trail, later)
    whole = (
        "SELECT to_jsonb(s) - 'actor_hash' - 'key_epoch' - 'address_hash' - 'address_key_epoch' "
        "FROM security.security_events s WHERE event_id = %s"
    )
    before = trail.rows(whole, [mine["event_id"]])
    with trail.connect("telemetry_ingest") as connection:
        assert erasure_counts.unlink(connection, "clinic-1", [PERSON], moment) == 1
        assert erasure_counts.unlink(connection, "clinic-1", [PERSON], moment) == 0
    assert _row(trail, mine["event_id"]) == ("", 0, None, None)
    assert trail.rows(whole, [mine["event_id"]]) == before
    for kept in (of_another, elsewhere, later):
        assert _row(trail, kept["event_id"])[0] == kept["actor_hash"]
    # Sent again it is the same event, and does not name the person anew.
    assert append(trail, mine) == (0, 1, 0)
    assert _row(trail, mine["event_id"]) == ("", 0, None, None)


@pytest.mark.parametrize("role", [*ROLES, SUPERUSER])
@pytest.mark.parametrize("table", ["security.security_events", "{partition}"])
@pytest.mark.parametrize("change", [UNLINKING, "type = 'x'", "actor_hash = ''"])
def test_nobody_does_it_by_hand(trail: Trail, role: str, table: str, change: str) -> None:
    append(trail, entry())
    statement = f"UPDATE {table.format(partition=_partition(trail))} SET {change}"  # noqa: S608 - of this test
    with trail.connect(role) as connection, pytest.raises(PermanentError, match=r"append-only|42501"):
        connection.execute(statement.encode())


def test_a_function_of_the_same_name_elsewhere_is_not_the_one(trail: Trail) -> None:
    append(trail, entry())
    body = f"BEGIN UPDATE security.security_events SET {UNLINKING}; RETURN 0; END"  # noqa: S608 - of this test
    with trail.connect(SUPERUSER) as connection:
        connection.execute("CREATE SCHEMA elsewhere")
        connection.execute(
            "CREATE FUNCTION elsewhere.unlink(a text, b text[], c timestamptz) RETURNS bigint "
            f"LANGUAGE plpgsql AS $$ {body} $$".encode()
        )
        with pytest.raises(PermanentError, match="append-only"):
            connection.execute("SELECT elsewhere.unlink('', '{}', now())")


@pytest.mark.parametrize("role", ["telemetry_read", "telemetry_retention"])
def test_only_who_erases_may_call_it(trail: Trail, role: str) -> None:
    with trail.connect(role) as connection, pytest.raises(PermanentError, match="42501"):
        erasure_counts.unlink(connection, "clinic-1", [PERSON], datetime.now(UTC))


@pytest.mark.parametrize("actors", [[""], [PERSON, ""]])
def test_nobodys_events_are_no_persons(trail: Trail, actors: list[str]) -> None:
    with trail.connect("telemetry_ingest") as connection, pytest.raises(PermanentError):
        erasure_counts.unlink(connection, "clinic-1", actors, datetime.now(UTC))
