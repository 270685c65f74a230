"""What each role may do outside the trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import expiry_records
from telemetry_platform.usecases.expire.targets import Way, targets
from telemetry_platform_tests.stores.trail import ROLES, Trail, trail_of

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

_SCHEMAS = "('audit', 'ingest', 'ops', 'privacy', 'security')"


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    return trail_of(engines, module_platform)


@pytest.mark.parametrize("role", ["telemetry_read", "telemetry_retention"])
def test_who_looks_sees_every_table_but_the_keys_and_writes_none(trail: Trail, role: str) -> None:
    privileges = trail.rows(
        "SELECT c.oid::regclass::text, has_table_privilege(%s, c.oid, 'SELECT'), "  # noqa: S608 - a constant list
        "has_table_privilege(%s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') FROM pg_class c "
        f"WHERE c.relnamespace::regnamespace::text IN {_SCHEMAS} "
        "AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition",
        [role, role],
    )
    assert len(privileges) >= 10
    for table, looks, writes in privileges:
        assert looks == (table != "privacy.key_epochs"), table
        assert not writes or role == "telemetry_retention", table


def test_retention_deletes_from_what_expires_by_rows_and_writes_what_it_announces_and_signs(trail: Trail) -> None:
    rights = trail.rows(
        "SELECT c.oid::regclass::text, p.privilege FROM pg_class c, "  # noqa: S608 - a constant list
        "unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p (privilege) "
        f"WHERE c.relnamespace::regnamespace::text IN {_SCHEMAS} AND c.relkind IN ('r', 'p', 'v') "
        "AND (has_table_privilege('telemetry_retention', c.oid, p.privilege) OR p.privilege = 'UPDATE' "
        "AND has_any_column_privilege('telemetry_retention', c.oid, 'UPDATE'))"
    )
    by_rows = {name for name, target in targets({}).items() if target.way is Way.ROWS}
    beside = {rule.beside[0] for rule in expiry_records.RULES.values() if rule.beside is not None}
    written = {
        ("audit.verifications", "INSERT"),
        ("privacy.retention_announced", "INSERT"),
        ("privacy.retention_announced", "UPDATE"),
    }
    assert set(rights) == {(table, "DELETE") for table in by_rows | beside} | written


def test_the_ingest_role_changes_keys_through_functions_only(trail: Trail) -> None:
    with trail.connect("telemetry_ingest") as connection:
        assert connection.execute("SELECT count(*) FROM privacy.key_epochs").fetchone() != (0,)
        for statement in (
            "INSERT INTO privacy.key_epochs (domain) VALUES ('media')",
            "UPDATE privacy.key_epochs SET epoch = 10",
            "DELETE FROM privacy.key_epochs",
            "UPDATE privacy.keks SET retired_at = now()",
            "DELETE FROM privacy.keks",
            "SELECT privacy.use_kek('kek-9', decode(repeat('00', 16), 'hex'), now())",
        ):
            with pytest.raises(PermanentError, match="42501"):
                connection.execute(statement.encode())


@pytest.mark.parametrize("role", ["telemetry_read", "telemetry_retention"])
def test_who_looks_changes_no_key(trail: Trail, role: str) -> None:
    functions = trail.rows(
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'privacy'::regnamespace "
        "AND p.proname IN ('add_key_epoch', 'rewrap_keys', 'remove_key_bytes', 'end_kek', 'use_kek') "
        "AND has_function_privilege(%s, p.oid, 'EXECUTE')",
        [role],
    )
    assert functions == []


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("'media', 8, NULL, decode(repeat('00', 12), 'hex'), 'k', now(), now() + '1 day'", "key_is_whole_or_destroyed"),
        ("'media', 8, NULL, NULL, 'k', now(), now() - interval '1 day'", "epoch_ends_after_it_begins"),
        ("'diary', 1, NULL, NULL, 'k', now(), NULL", "key_epochs_domain_check"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(trail: Trail, values: str, constraint: str) -> None:
    with trail.connect("telemetry_owner") as owner, pytest.raises(PermanentError, match=constraint):
        owner.execute(f"INSERT INTO privacy.key_epochs VALUES ({values}, now())".encode())  # noqa: S608 - ours


def test_a_domain_has_one_open_epoch(trail: Trail) -> None:
    with trail.connect("telemetry_owner", autocommit=False) as owner:
        owner.execute("DELETE FROM privacy.key_epochs WHERE domain = 'address'")
        insert = (
            "INSERT INTO privacy.key_epochs VALUES ('address', %s, decode(repeat('00', 48), 'hex'), "
            "decode(repeat('00', 12), 'hex'), 'k', now(), NULL, now())"
        )
        owner.execute(insert, [1])
        with pytest.raises(PermanentError, match="23505, constraint one_open_epoch_a_domain"):
            owner.execute(insert, [2])
        owner.rollback()


@pytest.mark.parametrize("role", [*ROLES, "telemetry_dagster"])
def test_no_role_has_an_administrators_attribute(trail: Trail, role: str) -> None:
    attributes = trail.rows(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin FROM pg_roles "
        "WHERE rolname = %s",
        [role],
    )
    assert attributes == [(False, False, False, False, False, True)]


@pytest.mark.parametrize(
    ("role", "database", "may"),
    [
        *((role, "telemetry", True) for role in ROLES),
        *((role, "dagster", False) for role in ROLES),
        ("telemetry_dagster", "telemetry", False),
        ("telemetry_dagster", "dagster", True),
    ],
)
def test_each_role_enters_its_own_database(trail: Trail, role: str, database: str, *, may: bool) -> None:
    assert trail.rows("SELECT has_database_privilege(%s, %s, 'CONNECT')", [role, database]) == [(may,)]


def test_dagsters_role_sees_nothing_of_the_telemetry_database(trail: Trail) -> None:
    # A test's own database lets everybody connect; the schemas do not let everybody in.
    with trail.connect("telemetry_dagster") as connection, pytest.raises(PermanentError, match="42501"):
        connection.execute("SELECT * FROM audit.audit_logs")
