"""DDL against the trail: prevented where the superuser's guards are, found by the check wherever it succeeded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.embedded.postgres import SUPERUSER
from telemetry_platform.errors import PermanentError, PlatformError
from telemetry_platform.usecases.guard_trail import append_only_tables, faults
from telemetry_platform_tests.stores.trail import Trail, entry, trail_of

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

OWNER = "telemetry_owner"
_NOW = datetime.now(UTC)
_MONTH = f"{_NOW:%Y_%m}"
_OLD = f"audit_logs_{_MONTH}"

DDL = {
    "disable the trigger": "ALTER TABLE audit.audit_logs DISABLE TRIGGER append_only",
    "disable all triggers": "ALTER TABLE audit.audit_logs DISABLE TRIGGER USER",
    "disable it on a partition": f"ALTER TABLE audit.{_OLD} DISABLE TRIGGER append_only",
    "disable the guard of its rows": f"ALTER TABLE audit.{_OLD} DISABLE TRIGGER append_only_rows",
    "let it not always fire": "ALTER TABLE audit.details ENABLE TRIGGER append_only",
    "drop the trigger": "DROP TRIGGER append_only ON audit.event_index",
    "drop a partition": f"DROP TABLE audit.{_OLD}",
    "detach a partition": f"ALTER TABLE audit.audit_logs DETACH PARTITION audit.{_OLD}",
    "drop the trail": "DROP TABLE audit.audit_logs",
    "drop the details": "DROP TABLE audit.details CASCADE",
    "drop the schema": "DROP SCHEMA audit CASCADE",
    "drop the guarding function": "DROP FUNCTION audit.refuse_change() CASCADE",
    "drop a partition of the security events": f"DROP TABLE security.security_events_{_MONTH}",
    "disable the trigger of the security events": "ALTER TABLE security.security_events DISABLE TRIGGER append_only",
    "rename the trigger": "ALTER TRIGGER append_only ON audit.audit_logs RENAME TO other",
    "move a table elsewhere": "ALTER TABLE audit.details SET SCHEMA privacy",
    "a table without a log": "ALTER TABLE audit.details SET UNLOGGED",
    "let the trail be kept for less": "ALTER TABLE audit.policy DROP CONSTRAINT trail_is_kept_for_six_years",
    "drop the guard of the gaps": "DROP TRIGGER keep_evidence ON audit.intake_gaps",
    "drop a partition as if it were expired": (
        f"DO $$ BEGIN EXECUTE 'DROP TABLE audit.{_OLD} "
        "/* function audit.drop_expired(regclass,text,timestamp with time zone) */'; END $$"
    ),
    "disable the trigger as if months were made": (
        "DO $$ BEGIN EXECUTE 'ALTER TABLE audit.audit_logs DISABLE TRIGGER append_only "
        "/* .ensure_partitions(integer) */'; END $$"
    ),
}
QUIET_DDL = {
    "another body of the guarding function": (
        "CREATE OR REPLACE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql "
        "SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN NULL; END $$"
    ),
    "a function of one's own": (
        "CREATE FUNCTION audit.open_up() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$"
    ),
    "a trigger of one's own": (
        "CREATE TRIGGER first BEFORE INSERT ON audit.audit_logs FOR EACH ROW EXECUTE FUNCTION audit.refuse_change()"
    ),
    "a right to delete": "GRANT DELETE ON audit.details TO telemetry_ingest",
    "a right for everybody": "GRANT INSERT ON audit.event_index TO PUBLIC",
    "a right to drop": "GRANT EXECUTE ON FUNCTION audit.drop_partition(text) TO telemetry_ingest",
    "a right to append for everybody": "GRANT EXECUTE ON FUNCTION audit.append_rows(jsonb) TO PUBLIC",
    "a rule that lets rows vanish": "CREATE RULE gone AS ON INSERT TO audit.audit_logs DO INSTEAD NOTHING",
    "row security that hides rows": "ALTER TABLE audit.details ENABLE ROW LEVEL SECURITY",
    "a right to read": "GRANT SELECT ON audit.audit_logs TO telemetry_ingest",
    "a right to read a column": "GRANT SELECT (body) ON audit.details TO PUBLIC",
    "a view for others": "CREATE VIEW audit.all_of_it AS SELECT 1; GRANT SELECT ON audit.all_of_it TO telemetry_ingest",
    "another clock": (
        "CREATE OR REPLACE FUNCTION ops.now() RETURNS timestamptz LANGUAGE plpgsql STABLE "
        "SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN '2060-01-01'::timestamptz; END $$"
    ),
    "one more function of a name": (
        "CREATE FUNCTION audit.record(text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$; "
        "REVOKE ALL ON FUNCTION audit.record(text) FROM PUBLIC"
    ),
    "a function that looks for names elsewhere": "ALTER FUNCTION audit.append(jsonb, text, text, bigint) RESET ALL",
    "a hold that can be changed": "ALTER TABLE privacy.legal_holds DISABLE TRIGGER USER",
    "a guard of gaps that does not always fire": "ALTER TABLE audit.intake_gaps ENABLE TRIGGER keep_evidence",
    "a shorter retention": (
        "INSERT INTO audit.policy (table_name, amount, unit, counted_from, since, why) "
        "VALUES ('security.security_events', 0, 'day', 'recorded_at', now(), 'space')"
    ),
    "another name": "ALTER TABLE audit.details RENAME TO details_of_old",
    "another owner": "ALTER TABLE audit.head OWNER TO telemetry_ingest",
}


@pytest.fixture
def platform(trail_platform: Settings) -> Settings:
    return trail_platform


@pytest.fixture
def trail(engines: PlatformHandle, platform: Settings) -> Trail:
    found = trail_of(engines, platform)
    found.append(entry(details='{"a": 1}'))
    return found


@pytest.fixture(scope="module")
def shared(engines: PlatformHandle, module_platform: Settings) -> Trail:
    found = trail_of(engines, module_platform)
    found.append(entry(details='{"a": 1}'))
    return found


def found(trail: Trail) -> list[str]:
    with trail.connect("telemetry_read") as connection:
        return faults(connection, datetime.now(UTC), trail.engines.settings)


def test_everything_is_as_the_release_made_it(shared: Trail) -> None:
    assert found(shared) == []
    assert {"audit.audit_logs", "audit.details", "security.security_events"} <= append_only_tables()


@pytest.mark.parametrize("role", [OWNER, "telemetry_ingest", "telemetry_read", "telemetry_retention", SUPERUSER])
@pytest.mark.parametrize("statement", DDL.values(), ids=DDL.keys())
def test_e45_ddl_that_opens_the_trail_is_refused_for_every_role(shared: Trail, role: str, statement: str) -> None:
    with shared.connect(role) as connection, pytest.raises(PlatformError):
        connection.execute(statement.encode())


@pytest.mark.parametrize("role", ["telemetry_ingest", OWNER, SUPERUSER])
@pytest.mark.parametrize("statement", ["TRUNCATE {0}", "UPDATE {0} SET org_id = 'x'", "DELETE FROM {0}"])
@pytest.mark.parametrize("table", ["audit.audit_logs", f"audit.{_OLD}"])
def test_e45_a_setting_opens_nothing(shared: Trail, role: str, statement: str, table: str) -> None:
    with shared.connect(role) as connection:
        # Whatever somebody may have heard of: none of these is asked by any trigger.
        for setting in ("telemetry.retention", "audit.retention", "app.retention_window"):
            connection.execute(f"SET {setting} = 'on'".encode())
        with pytest.raises(PermanentError, match=r"append-only|42501"):
            connection.execute(statement.format(table).encode())
    assert found(shared) == []


@pytest.mark.parametrize("statement", DDL.values(), ids=DDL.keys())
def test_e45_ddl_that_succeeded_is_found(trail: Trail, statement: str) -> None:
    if "SCHEMA" in statement or statement.startswith("DROP TABLE audit.audit_logs"):
        statement = f"ALTER TABLE audit.audit_logs DETACH PARTITION audit.{_OLD}"
    with trail.connect(SUPERUSER) as admin:
        # A server whose administrator is no superuser has no such guards.
        admin.execute("SET event_triggers = off")
        admin.execute(statement.encode())
    assert found(trail) != []


@pytest.mark.parametrize("statement", QUIET_DDL.values(), ids=QUIET_DDL.keys())
def test_e45_what_no_guard_prevents_is_found(trail: Trail, statement: str) -> None:
    with trail.connect(SUPERUSER) as admin:
        admin.execute(statement.encode())
    assert len(found(trail)) >= 1


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("audit.details", "DELETE FROM audit.details /* function audit.drop_partition(text) */"),
        ("audit.event_index", "DELETE FROM audit.event_index /* function audit.drop_partition(text) */"),
        ("audit.details", "UPDATE audit.details SET body = NULL /* function audit.redact(bigint,jsonb) */"),
        (
            "audit.details",
            "UPDATE audit.details SET body = NULL /*\nPL/pgSQL function audit.redact(bigint,jsonb) line 1 at x\n*/",
        ),
        ("security.event_index", "DELETE FROM security.event_index /* function security.drop_partition(text) */"),
        (
            "security.security_events",
            (
                "UPDATE security.security_events SET actor_hash = '', key_epoch = 0, address_hash = NULL, "
                "address_key_epoch = NULL /* function security.unlink(text,text[],timestamp with time zone) */"
            ),
        ),
    ],
)
def test_e45_a_name_in_a_comment_opens_nothing(shared: Trail, table: str, statement: str) -> None:
    with shared.connect(OWNER) as owner, pytest.raises(PermanentError, match=f"{table} is append-only"):
        owner.execute(f"DO $$ BEGIN {statement}; END $$".encode())


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE audit.details ALTER COLUMN nonce TYPE bytea USING nonce || 'x'",
        "ALTER TABLE audit.event_index ALTER COLUMN seq TYPE numeric USING seq + 1",
        "ALTER TABLE security.security_events ALTER COLUMN rule_id TYPE varchar USING 'a rule'",
    ],
)
def test_e45_a_table_is_not_written_anew(shared: Trail, statement: str) -> None:
    with shared.connect(OWNER) as owner, pytest.raises(PermanentError, match="is not written anew"):
        owner.execute(statement.encode())


def test_what_analysts_are_given_is_no_fault(trail: Trail) -> None:
    with trail.connect(SUPERUSER) as admin:
        admin.execute("GRANT USAGE ON SCHEMA audit TO pg_monitor")
        admin.execute("GRANT SELECT ON audit.counts_by_day TO pg_monitor")
        admin.execute("GRANT EXECUTE ON FUNCTION audit.visible_from(regclass) TO pg_monitor")
    assert found(trail) == []


def test_a_trigger_that_looks_away_is_found(trail: Trail) -> None:
    with trail.connect(SUPERUSER) as admin:
        admin.execute("SET event_triggers = off")
        admin.execute("DROP TRIGGER append_only ON audit.details")
        admin.execute(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.details "
            "FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION audit.refuse_change()"
        )
        admin.execute("ALTER TABLE audit.details ENABLE ALWAYS TRIGGER append_only")
    assert found(trail) == ["the trigger append_only of audit.details is switched off, or does not always fire"]


def test_a_guard_of_the_superuser_that_is_switched_off_is_found(trail: Trail) -> None:
    with trail.connect(SUPERUSER) as admin:
        admin.execute("ALTER EVENT TRIGGER trail_is_not_dropped DISABLE")
    assert found(trail) == ["the guard trail_is_not_dropped against DDL is switched off"]


def test_the_owner_cannot_switch_the_superusers_guards_off(shared: Trail) -> None:
    with shared.connect(OWNER) as owner:
        for statement in (
            "ALTER EVENT TRIGGER trail_is_not_dropped DISABLE",
            "DROP EVENT TRIGGER trail_is_not_opened",
            "SET event_triggers = off",
            "SET session_replication_role = replica",
            (
                "CREATE OR REPLACE FUNCTION guards.refuse_drop() RETURNS event_trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RETURN; END $$"
            ),
        ):
            with pytest.raises(PermanentError, match="42501"):
                owner.execute(statement.encode())


def test_months_are_made_and_tables_altered_as_ever(trail: Trail) -> None:
    with trail.connect("telemetry_ingest") as connection:
        connection.execute("SELECT audit.ensure_partitions(9), security.ensure_partitions(9)")
    with trail.connect(OWNER) as owner:
        owner.execute("ALTER TABLE audit.audit_logs ADD COLUMN more text")
        owner.execute("ALTER TABLE privacy.subjects ADD COLUMN more text")
    assert found(trail) == []
