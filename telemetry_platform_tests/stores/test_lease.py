"""The lease: one holder at a time, a fencing number that only rises, and time that is the database's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.errors import LeaseLostError
from telemetry_platform.stores import lease as leases
from telemetry_platform.stores import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

NAME = "test"


@pytest.fixture
def conn(platform: Settings) -> Iterator[Connection]:
    with postgres.connect(platform.postgres, autocommit=True) as connection:
        yield connection


def take(conn: Connection, holder: str, seconds: float = 20.0) -> leases.Lease | None:
    return leases.acquire(conn, NAME, holder=holder, run_id="run", seconds=seconds)


def expire(conn: Connection) -> None:
    conn.execute("UPDATE ingest.leases SET expires_at = clock_timestamp()")


def test_of_many_at_once_one_gets_it(platform: Settings) -> None:
    def attempt(number: int) -> leases.Lease | None:
        with postgres.connect(platform.postgres, autocommit=True) as own:
            return take(own, f"drain {number}")

    with ThreadPoolExecutor(8) as pool:
        taken = [lease for lease in pool.map(attempt, range(8)) if lease]
    assert [lease.fencing for lease in taken] == [1]


def test_a_held_lease_is_refused_and_a_released_one_is_free(conn: Connection) -> None:
    first = take(conn, "one")
    assert first is not None
    assert take(conn, "two") is None
    held = leases.current(conn, NAME)
    assert held is not None
    assert (held.holder, held.run_id, held.fencing) == ("one", "run", 1)
    leases.release(conn, first)
    assert leases.current(conn, NAME) is None
    second = take(conn, "two")
    assert second is not None
    assert second.fencing == 2


def test_the_lease_of_a_dead_holder_expires(conn: Connection) -> None:
    take(conn, "one")
    expire(conn)
    second = take(conn, "two")
    assert second is not None
    assert second.fencing == 2


def test_an_overtaken_holder_can_neither_renew_nor_hold_nor_release(conn: Connection) -> None:
    first = take(conn, "one")
    assert first is not None
    expire(conn)
    assert take(conn, "two") is not None
    assert not leases.renew(conn, first, seconds=20.0)
    with pytest.raises(LeaseLostError):
        leases.hold(conn, first)
    leases.release(conn, first)
    held = leases.current(conn, NAME)
    assert held is not None
    assert held.holder == "two"


def test_an_expired_lease_that_nobody_took_is_not_held_until_it_is_renewed(conn: Connection) -> None:
    lease = take(conn, "one")
    assert lease is not None
    expire(conn)
    with pytest.raises(LeaseLostError):
        leases.hold(conn, lease)
    assert leases.renew(conn, lease, seconds=20.0)
    leases.hold(conn, lease)


def test_nobody_takes_over_while_a_transaction_holds_it(platform: Settings, conn: Connection) -> None:
    lease = take(conn, "one")
    assert lease is not None
    with postgres.connect(platform.postgres, autocommit=True) as other, ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            leases.hold(conn, lease)
            # Whoever came now would have to wait for the row, even after the lease's end.
            blocked = pool.submit(other.execute, "SELECT 1 FROM ingest.leases WHERE name = 'test' FOR UPDATE NOWAIT")
            assert blocked.exception() is not None
        assert other.execute("SELECT 1 FROM ingest.leases WHERE name = 'test' FOR UPDATE NOWAIT").fetchone() == (1,)
