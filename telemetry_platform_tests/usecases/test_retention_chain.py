"""The proofs of retention: one chain, which nobody changes, and which says where it was changed all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from telemetry_platform.contracts.records.retention import RUNS
from telemetry_platform.errors import PermanentError
from telemetry_platform.processing.retention_chain import first_fault, run_hash
from telemetry_platform.stores import expiry_proof, postgres
from telemetry_platform.stores.expiry_proof import Announcement, Outcome
from telemetry_platform.usecases.expire.run import retention_connection
from telemetry_platform.usecases.expire.verify import verify_runs

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

_NOW = datetime.now(UTC)


def _prove(conn: Connection, count: int) -> None:
    for number in range(count):
        told = Announcement(
            f"a_table_{number}", uuid4(), "postgres", "30 days: a tést", _NOW, _NOW - timedelta(days=30), 10, 5, 1
        )
        oldest = None if number % 2 else _NOW - timedelta(days=1, microseconds=7)
        with conn.transaction():
            expiry_proof.prove(conn, told, Outcome(5, 0, number, 5, oldest, "done"))


@pytest.fixture(scope="module")
def whole(module_platform: Settings) -> Settings:
    """A chain that no test changes."""
    with retention_connection(module_platform) as conn:
        _prove(conn, 6)
    return module_platform


@pytest.fixture
def proved(platform: Settings) -> Settings:
    with retention_connection(platform) as conn:
        _prove(conn, 6)
    return platform


def _tamper(engines: PlatformHandle, settings: Settings, statement: str) -> None:
    """As a superuser who takes the triggers away."""
    database = settings.postgres.url.get_secret_value().rsplit("/", 1)[1].split("?")[0]
    address = engines.postgres_admin_url.rsplit("/", 1)[0] + f"/{database}"
    with postgres.connect(address) as admin:
        admin.execute("ALTER EVENT TRIGGER trail_is_not_opened DISABLE")
        admin.execute("ALTER TABLE privacy.retention_runs DISABLE TRIGGER ALL")
        admin.execute(statement.encode())
        admin.execute("ALTER TABLE privacy.retention_runs ENABLE ALWAYS TRIGGER append_only")
        admin.execute("ALTER EVENT TRIGGER trail_is_not_opened ENABLE ALWAYS")


def test_the_database_and_we_hash_alike(whole: Settings) -> None:
    with retention_connection(whole) as conn:
        runs = list(expiry_proof.chain(conn))
        assert [one.number for one in runs] == [1, 2, 3, 4, 5, 6]
        assert [one.row_hash for one in runs] == [run_hash(one) for one in runs]
        assert verify_runs(conn) is None


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE privacy.retention_runs SET rows_dropped = 4 WHERE number = 3", "run 3 was changed"),
        ("UPDATE privacy.retention_runs SET oldest_remaining = NULL WHERE number = 1", "run 1 was changed"),
        ("DELETE FROM privacy.retention_runs WHERE number = 4", "run 4 is missing"),
        ("DELETE FROM privacy.retention_runs WHERE number > 4", "the newest runs are missing: 6 were written, 4"),
        ("DELETE FROM privacy.retention_runs WHERE number < 3", "run 1 is missing"),
    ],
)
def test_tampering_past_the_triggers_is_found(
    engines: PlatformHandle, proved: Settings, statement: str, fault: str
) -> None:
    _tamper(engines, proved, statement)
    with retention_connection(proved) as conn:
        found = verify_runs(conn)
    assert found is not None
    assert found.startswith(fault)


def test_a_run_that_is_changed_with_its_hash_breaks_the_next_one(whole: Settings) -> None:
    with retention_connection(whole) as conn:
        runs, state = list(expiry_proof.chain(conn)), expiry_proof.chain_state(conn)
    changed = replace(runs[2], rows_dropped=4)
    runs[2] = replace(changed, row_hash=run_hash(changed))
    assert first_fault(runs, state) == "run 4 does not follow on the one before"


@pytest.mark.parametrize("role", ["owner", "ingest", "retention"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE privacy.retention_runs SET rows_dropped = 0",
        "DELETE FROM privacy.retention_runs",
        "TRUNCATE privacy.retention_runs",
    ],
)
def test_no_role_changes_a_proof(whole: Settings, role: str, statement: str) -> None:
    urls = {
        "owner": whole.postgres.owner_url,
        "ingest": whole.postgres.url,
        "retention": whole.postgres.retention_url,
    }
    url = urls[role]
    assert url is not None
    with postgres.connect(url.get_secret_value()) as conn, pytest.raises(PermanentError):
        conn.execute(statement.encode())


@pytest.mark.parametrize(
    "words",
    [
        "/* function privacy.expire_retention_runs() */",
        "/*\nPL/pgSQL function privacy.expire_retention_runs() line 28 at SQL statement\n*/",
        'r WHERE r.number <= upto --"\n-- PL/pgSQL function privacy.expire_retention_runs() line 28 at SQL statement',
    ],
)
def test_whoever_quotes_the_function_in_their_statement_is_not_taken_for_it(whole: Settings, words: str) -> None:
    """A trigger is told by the call stack, which has the text of the statement in it."""
    assert whole.postgres.owner_url is not None
    body = f"DECLARE upto bigint := 9; BEGIN DELETE FROM privacy.retention_runs {words}\n; END"  # noqa: S608 - ours
    with (
        postgres.connect(whole.postgres.owner_url.get_secret_value()) as conn,
        pytest.raises(PermanentError, match="append-only"),
    ):
        conn.execute(f"DO $body$ {body} $body$".encode())


def test_retention_writes_proofs_by_the_function_alone(whole: Settings) -> None:
    for statement in (
        "INSERT INTO privacy.retention_runs SELECT * FROM privacy.retention_runs",
        "UPDATE privacy.retention_head SET last_number = 0",
    ):
        with retention_connection(whole) as conn, pytest.raises(PermanentError):
            conn.execute(statement)


def test_a_dry_run_that_says_it_removed_something_is_refused(whole: Settings) -> None:
    told = Announcement("a_table", uuid4(), "postgres", "30 days", _NOW, _NOW - timedelta(days=30), 10, 5, 0)
    with retention_connection(whole) as conn, pytest.raises(PermanentError, match="dry_runs_remove_nothing"):
        expiry_proof.prove(conn, told, Outcome(5, 0, 0, 5, None, "done"), dry_run=True)


def test_proofs_expire_themselves_and_the_chain_begins_with_the_first_that_is_left(
    engines: PlatformHandle, proved: Settings
) -> None:
    assert RUNS.retention is not None
    assert (RUNS.retention.amount, RUNS.retention.unit) == (7, "year")
    with retention_connection(proved) as conn:
        assert expiry_proof.expire_runs(conn) == 0
        runs = list(expiry_proof.chain(conn))
    # Three proofs of eight years ago, with the hashes that they had then.
    before = runs[0].prev_hash
    for run in runs:
        years = 8 if run.number <= 3 else 0
        old = replace(run, ended_at=run.ended_at - timedelta(days=366 * years), prev_hash=before)
        old = replace(old, began_at=min(old.began_at, old.ended_at), cut_off=min(old.cut_off, old.ended_at))
        before = run_hash(old)
        _tamper(
            engines,
            proved,
            f"UPDATE privacy.retention_runs SET ended_at = '{old.ended_at.isoformat()}', "  # noqa: S608 - values of ours
            f"began_at = '{old.began_at.isoformat()}', cut_off = '{old.cut_off.isoformat()}', "
            f"prev_hash = '{old.prev_hash}', row_hash = '{before}' WHERE number = {run.number}",
        )
    _tamper(engines, proved, f"UPDATE privacy.retention_head SET last_hash = '{before}'")  # noqa: S608 - a hash of ours
    with retention_connection(proved) as conn:
        assert verify_runs(conn) is None
        assert expiry_proof.expire_runs(conn) == 3
        assert [one.number for one in expiry_proof.chain(conn)] == [4, 5, 6]
        assert verify_runs(conn) is None
        _prove(conn, 1)
        assert verify_runs(conn) is None
