"""What no role may do to the audit trail, each thing tried by each role on the real engine."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.embedded.postgres import SUPERUSER
from telemetry_platform.errors import PermanentError
from telemetry_platform_tests.stores.trail import ROLES, Trail, entry, trail_of

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

GUARDED = ("audit.audit_logs", "{partition}", "audit.event_index", "audit.details")
CHANGES = (
    "UPDATE {table} SET seq = seq + 1",
    "UPDATE {table} SET seq = seq WHERE false",
    "DELETE FROM {table}",
    "DELETE FROM {table} WHERE false",
    "TRUNCATE {table}",
    "TRUNCATE {table} CASCADE",
    "MERGE INTO {table} t USING (SELECT 1 AS one) s ON true WHEN MATCHED THEN DELETE",
)


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    trail = trail_of(engines, module_platform)
    trail.append(entry(details='{"a":1}'), entry())
    return trail


def _statement(trail: Trail, table: str, change: str) -> bytes:
    ((partition,),) = trail.rows("SELECT DISTINCT tableoid::regclass::text FROM audit.audit_logs")
    return change.format(table=table.format(partition=partition)).encode()


@pytest.mark.parametrize("role", [*ROLES, SUPERUSER])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", GUARDED)
def test_nobody_changes_the_trail(trail: Trail, role: str, table: str, change: str) -> None:
    before = trail.rows("SELECT count(*), sum(seq) FROM audit.audit_logs")
    with trail.connect(role) as connection, pytest.raises(PermanentError, match=r"append-only|42501"):
        connection.execute(_statement(trail, table, change))
    assert trail.rows("SELECT count(*), sum(seq) FROM audit.audit_logs") == before


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", GUARDED)
def test_a_replica_session_changes_nothing_either(trail: Trail, table: str, change: str) -> None:
    with trail.connect(SUPERUSER) as connection:
        connection.execute("SET session_replication_role = replica")
        with pytest.raises(PermanentError, match="append-only"):
            connection.execute(_statement(trail, table, change))


@pytest.mark.parametrize("role", ROLES)
def test_no_role_of_ours_may_switch_triggers_off_for_its_session(trail: Trail, role: str) -> None:
    with trail.connect(role) as connection, pytest.raises(PermanentError, match="42501"):
        connection.execute("SET session_replication_role = replica")


@pytest.mark.parametrize("role", ["telemetry_ingest", "telemetry_read", "telemetry_retention"])
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE audit.audit_logs DISABLE TRIGGER ALL",
        "DROP TRIGGER append_only ON audit.audit_logs",
        "DROP TABLE audit.audit_logs",
        "ALTER TABLE audit.audit_logs DETACH PARTITION {partition}",
        "DROP FUNCTION audit.refuse_change() CASCADE",
        "CREATE TABLE audit.mine (n int)",
        "CREATE TABLE public.mine (n int)",
        "INSERT INTO audit.audit_logs SELECT * FROM audit.audit_logs",
        "INSERT INTO audit.event_index VALUES ('clinic-1', gen_random_uuid(), 99, now())",
        "UPDATE audit.head SET seq = 0",
        "DELETE FROM audit.stream_offsets",
        "SELECT audit.make_append_only('audit.head')",
    ],
)
def test_only_the_owner_touches_its_structure_and_only_append_its_rows(trail: Trail, role: str, statement: str) -> None:
    with trail.connect(role) as connection, pytest.raises(PermanentError, match="42501"):
        connection.execute(_statement(trail, "", statement.replace("{partition}", "audit.head")))


@pytest.mark.parametrize("role", ["telemetry_read", "telemetry_retention"])
def test_only_the_ingest_role_appends(trail: Trail, role: str) -> None:
    with trail.connect(role) as connection, pytest.raises(PermanentError, match="42501"):
        connection.execute("SELECT audit.append('[]', 's', 'b', 7)")


def test_every_table_of_the_trail_has_its_own_trigger_that_always_fires(trail: Trail) -> None:
    unguarded = trail.rows(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'audit'::regnamespace "
        "AND (c.relname LIKE 'audit_logs%%' OR c.relname IN ('event_index', 'details')) AND c.relkind IN ('r', 'p') "
        "AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'append_only' "
        "AND t.tgenabled = 'A' AND t.tgtype & 1 = 0 AND t.tgtype & 56 = 56)"
    )
    assert unguarded == []


def test_a_partition_attached_by_hand_is_guarded_at_once(trail: Trail) -> None:
    with trail.connect(SUPERUSER, autocommit=False) as admin:
        admin.execute("CREATE TABLE audit.by_hand (LIKE audit.audit_logs INCLUDING ALL)")
        admin.execute(
            "INSERT INTO audit.by_hand SELECT seq, event_id, occurred_at, '2001-01-01', actor_hash, key_epoch, "
            "actor_type, org_id, action, resource_type, NULL, NULL, NULL, NULL, outcome, NULL, NULL, NULL, NULL, NULL, "
            "prev_hash, row_hash FROM audit.audit_logs LIMIT 1"
        )
        admin.execute(
            "ALTER TABLE audit.audit_logs ATTACH PARTITION audit.by_hand "
            "FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')"
        )
        admin.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(PermanentError, match="append-only"):
            admin.execute("DELETE FROM audit.by_hand")
        admin.rollback()


def test_the_months_ahead_are_there_without_a_gap_and_made_once(trail: Trail) -> None:
    with trail.connect("telemetry_ingest") as connection:
        assert connection.execute("SELECT audit.ensure_partitions(3)").fetchone() == (0,)
        assert connection.execute("SELECT audit.ensure_partitions(5)").fetchone() == (2,)
        with pytest.raises(PermanentError, match="0 to 24"):
            connection.execute("SELECT audit.ensure_partitions(1000)")
    bounds = trail.rows(
        "SELECT split_part(b, '''', 2)::timestamptz, split_part(b, '''', 4)::timestamptz FROM (SELECT "
        "pg_get_expr(relpartbound, oid) AS b FROM pg_class WHERE relispartition AND relkind = 'r' "
        "AND relnamespace = 'audit'::regnamespace) AS bounds ORDER BY 1"
    )
    assert len(bounds) == 6
    assert all(first[1] == second[0] for first, second in pairwise(bounds))


def test_definer_functions_have_a_fixed_search_path_and_are_not_for_everybody(trail: Trail) -> None:
    # Aggregates have no settings of their own: the function that they step with has.
    functions = trail.rows(
        "SELECT p.oid::regprocedure::text, p.proconfig::text, "
        "has_function_privilege('telemetry_dagster', p.oid, 'execute') "
        "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname IN ('audit', 'ingest', 'ops', 'privacy', 'security') AND p.prokind = 'f'"
    )
    assert len(functions) >= 6
    for name, configuration, for_everybody in functions:
        assert configuration is not None, name
        assert "search_path=pg_catalog, pg_temp" in configuration, name
        assert not for_everybody, name
