"""The promises of the trail on one server, whichever keeps it: months of PostgreSQL, or TimescaleDB's chunks.

`--postgres-admin-url` names a real server (its administrator's connection): with the extension `timescaledb` available
there, the same tests run on hypertables.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest

from telemetry_platform.contracts.audit_chain import BEGINNING
from telemetry_platform.errors import PermanentError
from telemetry_platform.processing.chain_walk import ChainRow, walk
from telemetry_platform.settings import Settings
from telemetry_platform.stores import postgres, trail_chain, trail_partitions
from telemetry_platform.stores.schema_ledger import PostgresDatabase
from telemetry_platform.stores.trail_partitions import partitions
from telemetry_platform.usecases.apply_schema import apply_release
from telemetry_platform.usecases.bootstrap_schema import OWNER, guard_trail
from telemetry_platform.usecases.guard_trail import faults
from telemetry_platform.usecases.retention_policy import write_policy
from telemetry_platform.usecases.schema_release import read_release
from telemetry_platform_tests.stores.trail import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.platform import PlatformHandle

TRAIL = "audit.audit_logs"


@pytest.fixture(scope="module")
def admin_url(engines: PlatformHandle, pytestconfig: pytest.Config) -> Iterator[str]:
    """The administrator's connection to a fresh database with the schema, owned by the schema's owner."""
    server = str(pytestconfig.getoption("--postgres-admin-url") or engines.postgres_admin_url)
    name = f"trail_{secrets.token_hex(6)}"
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    with postgres.connect(server, autocommit=True) as admin:
        known = {row[0] for row in admin.execute("SELECT rolname FROM pg_roles").fetchall()}
        for role in (OWNER, "telemetry_ingest", "telemetry_read", "telemetry_retention"):
            if role not in known:
                admin.execute(f"CREATE ROLE {role}".encode())
        admin.execute(f"CREATE DATABASE {name} OWNER {OWNER}".encode())
    with postgres.connect(url) as admin:
        available = admin.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
        if available:
            admin.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    guard_trail(url)
    with postgres.connect(url) as admin:
        admin.execute(f"SET ROLE {OWNER}".encode())
        apply_release(PostgresDatabase(admin), read_release("postgres"), datetime.now(UTC))
        admin.execute("SELECT audit.ensure_partitions(2), security.ensure_partitions(2)")
        write_policy(admin, Settings(), datetime.now(UTC))
        assert admin.execute("SELECT audit.is_hypertable('audit.audit_logs')").fetchone() == (bool(available),)
    yield url
    with postgres.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def acting(url: str, role: str) -> postgres.Connection:
    """A connection that may do what the role may."""
    connection = postgres.connect(url, autocommit=True)
    connection.execute(f"SET ROLE {role}".encode())
    return connection


def record(url: str, count: int) -> None:
    with acting(url, "telemetry_ingest") as connection:
        for number in range(count):
            connection.execute("SELECT audit.record(%s::jsonb)", [json.dumps(entry(details=f'{{"n": {number}}}'))])


def test_rows_are_one_chain(admin_url: str) -> None:
    record(admin_url, 20)
    with trail_chain.snapshot(admin_url) as connection:
        head = trail_chain.head(connection)
        rows = [ChainRow(*row) for row in trail_chain.rows_between(connection)]
        assert trail_chain.first_bad_details(connection, 1) is None
    walked = walk(rows, {}, (), start=BEGINNING, head=head)
    assert (walked.fault, walked.rows) == (None, head.seq)


@pytest.mark.parametrize("role", [OWNER, "telemetry_ingest", "telemetry_read", "telemetry_retention"])
@pytest.mark.parametrize("change", ["UPDATE {0} SET org_id = 'x'", "DELETE FROM {0}", "TRUNCATE {0}"])
@pytest.mark.parametrize("table", [TRAIL, "audit.details", "audit.event_index", "security.security_events"])
def test_nobody_changes_them(admin_url: str, role: str, change: str, table: str) -> None:
    record(admin_url, 1)
    statement = change.format(table).replace(
        "SET org_id = 'x'", "SET body = NULL" if "details" in table else "SET org_id = 'x'"
    )
    with acting(admin_url, role) as connection, pytest.raises(PermanentError, match=r"append-only|42501"):
        connection.execute(statement.encode())


def test_guards_are_in_place_whatever_partitions_there_are(admin_url: str) -> None:
    record(admin_url, 1)
    with postgres.connect(admin_url) as connection:
        assert faults(connection, datetime.now(UTC), Settings()) == []


def test_only_an_expired_partition_goes_and_it_takes_what_is_beside_its_rows(admin_url: str) -> None:
    record(admin_url, 3)
    with acting(admin_url, "telemetry_retention") as retention:
        found = partitions(retention, TRAIL)
        present = next(one for one in found if one.rows)
        with pytest.raises(PermanentError, match="anchor"):
            trail_partitions.drop(retention, present)
    with acting(admin_url, OWNER) as owner:
        owner.execute(
            "INSERT INTO audit.anchors SELECT %s, %s, %s, f.seq, l.seq, %s, f.prev_hash, l.row_hash, now(), 'k', "
            "decode(repeat('00', 64), 'hex') FROM audit.audit_logs f, audit.audit_logs l "
            "WHERE f.seq = (SELECT min(seq) FROM audit.audit_logs) AND l.seq = (SELECT max(seq) FROM audit.audit_logs)",
            [present.name, present.begins, present.ends, present.rows],
        )
    with acting(admin_url, "telemetry_retention") as retention, pytest.raises(PermanentError, match="is not expired"):
        trail_partitions.drop(retention, present)
    with postgres.connect(admin_url, autocommit=True) as admin:
        # Ten years later, by the clock of a demo.
        admin.execute("SET event_triggers = off")
        admin.execute("ALTER TABLE ops.installation DISABLE TRIGGER USER")
        admin.execute("DELETE FROM ops.installation")
        admin.execute(
            "INSERT INTO ops.installation (kind, made_at, travelled_to, travel_began) "
            "VALUES ('demo', now(), now() + interval '10 years', now())"
        )
    with acting(admin_url, "telemetry_retention") as retention:
        assert trail_partitions.drop(retention, present) == present.rows
        assert retention.execute(
            "SELECT (SELECT count(*) FROM audit.audit_logs), (SELECT count(*) FROM audit.details), "
            "(SELECT count(*) FROM audit.event_index)"
        ).fetchone() == (0, 0, 0)
        assert present.name not in {one.name for one in partitions(retention, TRAIL)}
