"""Connections and pools: what an error says, and what it never says."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.embedded.postgres import SUPERUSER
from telemetry_platform.errors import PermanentError, PlatformError, TransientError
from telemetry_platform.stores import postgres
from telemetry_platform_tests.stores.trail import Trail, trail_of

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

NAME = "ana.popescu@example.org"


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    trail = trail_of(engines, module_platform)
    with trail.connect("telemetry_owner") as owner:
        owner.execute(
            "CREATE TABLE ops.people (name text CONSTRAINT one_name UNIQUE DEFERRABLE, born int CONSTRAINT grown CHECK "
            "(born > 1900)); GRANT ALL ON ops.people TO telemetry_ingest"
        )
    return trail


def _told(error: pytest.ExceptionInfo[PlatformError]) -> str:
    """Everything that a log or a task queue would show of an error."""
    chain = [error.value, error.value.__cause__]
    assert error.value.__suppress_context__
    return " ".join(str(one) for one in chain if one is not None)


def test_an_error_names_the_state_and_the_constraint_and_no_value(trail: Trail) -> None:
    with trail.connect("telemetry_owner") as owner:
        owner.execute("INSERT INTO ops.people VALUES (%s, 1950)", [NAME])
        with pytest.raises(PermanentError, match="SQLSTATE 23505, constraint one_name") as caught:
            owner.execute("INSERT INTO ops.people VALUES (%s, 1950)", [NAME])
        assert "popescu" not in _told(caught)
        with pytest.raises(PermanentError, match="SQLSTATE 23514, constraint grown"):
            owner.cursor().executemany("INSERT INTO ops.people VALUES (%s, %s)", [("x", 1950), ("y", 1800)])
        owner.execute("TRUNCATE ops.people")


def test_a_constraint_that_is_checked_at_commit_is_told_the_same_way(trail: Trail) -> None:
    with trail.connect("telemetry_owner", autocommit=False) as owner:
        owner.execute("SET CONSTRAINTS ALL DEFERRED")
        owner.execute("INSERT INTO ops.people VALUES (%s, 1950), (%s, 1950)", [NAME, NAME])
        with pytest.raises(PermanentError, match="23505, constraint one_name") as caught:
            owner.commit()
        assert "popescu" not in _told(caught)


def test_copy_and_transactions_are_told_the_same_way(trail: Trail) -> None:
    with trail.connect("telemetry_owner") as owner:
        with (
            pytest.raises(PermanentError, match="22P02") as caught,
            owner.cursor().copy("COPY ops.people (born) FROM STDIN") as copy,
        ):
            copy.write_row([NAME])
        assert "popescu" not in _told(caught)
        with pytest.raises(PermanentError, match="42P01"), owner.transaction():
            owner.execute("SELECT * FROM ops.nowhere")
        assert owner.execute("SELECT 1").fetchone() == (1,)


def test_a_wrong_password_is_permanent_and_not_told(trail: Trail) -> None:
    url = (
        f"postgresql://telemetry_read:not-the-password@127.0.0.1:{trail.engines.platform.ports()['postgres']}/telemetry"
    )
    with pytest.raises(PermanentError, match="TELEMETRY_POSTGRES__URL") as caught:
        postgres.connect(url)
    assert "not-the-password" not in _told(caught)


def test_a_server_that_is_not_there_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TransientError, match="does not answer"):
        postgres.connect(f"postgresql://u:secret-word@127.0.0.1:{port}/telemetry")


def test_an_address_that_is_none_is_refused_without_repeating_it() -> None:
    with pytest.raises(PermanentError, match="cannot be read") as caught:
        postgres.connect("postgresql://user:secret-word@host:port:5432/x?nonsense=1")
    assert "secret-word" not in _told(caught)


def test_tls_that_the_server_does_not_speak_is_permanent(trail: Trail) -> None:
    url = f"{trail.engines.postgres_admin_url}?sslmode=verify-full"
    with pytest.raises(PermanentError, match="sslmode"):
        postgres.connect(url)


def test_a_statement_that_takes_too_long_is_ended_and_may_be_tried_again(trail: Trail) -> None:
    with trail.connect("telemetry_read") as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("1min",)
        connection.execute("SET statement_timeout = '50ms'")
        with pytest.raises(TransientError, match="57014"):
            connection.execute("SELECT pg_sleep(60)")


def test_a_session_is_in_utc_and_says_who_it_is(engines: PlatformHandle) -> None:
    with postgres.connect(engines.settings.postgres, application="some-part") as connection:
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        assert connection.execute("SHOW application_name").fetchone() == ("some-part",)
    own = f"{engines.postgres_admin_url}?application_name=from-the-url"
    with postgres.connect(own) as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("from-the-url",)


def test_our_own_functions_messages_are_kept(trail: Trail) -> None:
    with trail.connect(SUPERUSER) as admin, pytest.raises(PermanentError, match=r"^audit\.details is append-only"):
        admin.execute("DELETE FROM audit.details")


def test_a_pool_replaces_a_connection_that_the_server_ended(trail: Trail, module_platform: Settings) -> None:
    settings = module_platform.postgres.model_copy(update={"pool_size": 1})
    with postgres.pool(settings) as pool:
        with postgres.lent(pool) as connection:
            first = connection.info.backend_pid
        with trail.connect(SUPERUSER) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
        with postgres.lent(pool) as connection:
            assert connection.info.backend_pid != first
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_connection_that_was_lost_is_transient(trail: Trail) -> None:
    with trail.connect("telemetry_read") as connection, trail.connect(SUPERUSER) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
        with pytest.raises(TransientError):
            connection.execute("SELECT 1")


def test_the_pool_of_the_event_loop_tells_errors_the_same_way(module_platform: Settings) -> None:
    async def insert_twice() -> None:
        async with postgres.async_pool(module_platform.postgres) as pool, postgres.lent_async(pool) as connection:
            for _ in range(2):
                await connection.execute("INSERT INTO ops.people VALUES (%s, 1950)", [NAME])

    with pytest.raises(PermanentError, match="constraint one_name") as caught:
        asyncio.run(insert_twice())
    assert "popescu" not in _told(caught)
