"""`telemetry schema bootstrap` on a server that has nothing yet, by its administrator."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.embedded.platform import PlatformHandle, running_stores
from telemetry_platform.embedded.postgres import SUPERUSER, url
from telemetry_platform.errors import ConfigurationError, PermanentError
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.bootstrap_schema import ROLES, bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.settings import Settings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformHandle]:
    """A PostgreSQL of the module's own: roles belong to the server, not to a database."""
    with running_stores(
        stores=("postgres",), with_schema=False, remove=True, base=tmp_path_factory.mktemp("server")
    ) as handle:
        yield handle


@pytest.fixture
def blank(server: PlatformHandle) -> PlatformHandle:
    """The same, without databases and roles of ours."""
    with postgres.connect(server.postgres_admin_url, autocommit=True) as admin:
        for name in ("telemetry", "dagster"):
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        for role in ROLES:
            admin.execute(f"DROP ROLE IF EXISTS {role}".encode())
    return server


def _telemetry(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "TERM": "dumb"} | variables
    command = [sys.executable, "-m", "telemetry_platform.cli", "schema", *arguments]
    return subprocess.run(command, input=stdin, env=environment, capture_output=True, text=True, check=False)


def _variables(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())


def test_a_blank_server_gets_databases_and_roles_whose_connections_work(blank: PlatformHandle, tmp_path: Path) -> None:
    file = tmp_path / "telemetry.env"
    done = _telemetry("bootstrap", "--admin-url", "-", "--env-file", str(file), stdin=blank.postgres_admin_url)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    variables = _variables(file)
    for name, role in (("URL", "ingest"), ("READ_URL", "read"), ("RETENTION_URL", "retention"), ("OWNER_URL", "owner")):
        with postgres.connect(variables[f"TELEMETRY_POSTGRES__{name}"]) as connection:
            assert connection.execute("SELECT current_user, current_database()").fetchone() == (
                f"telemetry_{role}",
                "telemetry",
            )
    port = blank.platform.ports()["postgres"]
    dagster = url(variables["DAGSTER_PG_USERNAME"], variables["DAGSTER_PG_PASSWORD"], port, variables["DAGSTER_PG_DB"])
    with postgres.connect(dagster) as connection:
        connection.execute("CREATE TABLE runs (n int)")
    assert not any(value in done.stdout + done.stderr for value in variables.values() if "://" in value)

    again = _telemetry("bootstrap", "--admin-url", "-", "--env-file", str(file), stdin=blank.postgres_admin_url)
    assert (again.returncode, "databases and roles are there" in again.stdout) == (0, True)
    assert _variables(file) == variables, "a second run changes nothing"


def test_new_passwords_are_written_before_they_are_set_and_never_over_old_ones(
    blank: PlatformHandle, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.env", tmp_path / "new.env"
    arguments = ("bootstrap", "--admin-url", "-", "--env-file")
    assert _telemetry(*arguments, str(old), stdin=blank.postgres_admin_url).returncode == 0
    refused = _telemetry(*arguments, str(old), "--new-passwords", stdin=blank.postgres_admin_url)
    assert (refused.returncode, "exists already" in refused.stderr) == (1, True)
    postgres.connect(_variables(old)["TELEMETRY_POSTGRES__URL"]).close()
    assert _telemetry(*arguments, str(new), "--new-passwords", stdin=blank.postgres_admin_url).returncode == 0
    postgres.connect(_variables(new)["TELEMETRY_POSTGRES__URL"]).close()
    with pytest.raises(PermanentError, match="refused the connection"):
        postgres.connect(_variables(old)["TELEMETRY_POSTGRES__URL"])


def test_a_password_on_the_command_line_is_refused(tmp_path: Path) -> None:
    done = _telemetry("bootstrap", "--admin-url", "postgresql://a:word@h/db", "--env-file", str(tmp_path / "f"))
    assert done.returncode == 1
    assert "--admin-url -" in done.stderr
    assert "word@" not in done.stderr


def test_passwords_reach_the_server_as_verifiers(blank: PlatformHandle) -> None:
    with postgres.connect(blank.postgres_admin_url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET log_statement = 'all'")
        admin.execute("SELECT pg_reload_conf()")
    bootstrap(blank.postgres_admin_url, {role: f"plain-{role}" for role in ROLES})
    with postgres.connect(blank.postgres_admin_url, autocommit=True) as admin:
        kept = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'telemetry%'").fetchall()
        admin.execute("ALTER SYSTEM RESET log_statement")
        admin.execute("SELECT pg_reload_conf()")
    assert len(kept) == len(ROLES)
    assert all(verifier.startswith("SCRAM-SHA-256$") for (verifier,) in kept)
    log = blank.state.log_file("postgres").read_text(encoding="utf-8")
    assert "ALTER ROLE" in log
    assert "plain-telemetry" not in log


def test_an_administrator_who_is_no_superuser_can_do_it(blank: PlatformHandle) -> None:
    with postgres.connect(blank.postgres_admin_url, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS managed")
        admin.execute("CREATE ROLE managed LOGIN CREATEDB CREATEROLE PASSWORD 'managed-password'")
    port = blank.platform.ports()["postgres"]
    passwords = {role: f"pw-{role}" for role in ROLES}
    report = bootstrap(url("managed", "managed-password", port, "postgres"), passwords)
    assert (report.roles, report.databases) == (ROLES, ("telemetry", "dagster"))
    for role, database in (("telemetry_owner", "telemetry"), ("telemetry_dagster", "dagster")):
        with postgres.connect(url(role, passwords[role], port, database)) as connection:
            connection.execute("CREATE SCHEMA mine")


def test_roles_are_not_made_without_a_password_or_under_another_name(blank: PlatformHandle) -> None:
    with pytest.raises(ConfigurationError, match="telemetry_owner does not exist yet and no password"):
        bootstrap(blank.postgres_admin_url, {})
    with pytest.raises(ConfigurationError, match=f"{SUPERUSER} is no role of the platform"):
        bootstrap(blank.postgres_admin_url, {SUPERUSER: "x"})


def test_a_role_of_ours_that_is_a_superuser_is_refused(blank: PlatformHandle) -> None:
    with postgres.connect(blank.postgres_admin_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE telemetry_owner SUPERUSER")
    with pytest.raises(PermanentError, match="NOSUPERUSER"):
        bootstrap(blank.postgres_admin_url, dict.fromkeys(ROLES, "pw"))


def _environment(platform: Settings) -> dict[str, str]:
    assert platform.postgres.owner_url is not None
    return {
        "TELEMETRY_POSTGRES__OWNER_URL": platform.postgres.owner_url.get_secret_value(),
        "TELEMETRY_CLICKHOUSE__URL": platform.clickhouse.url,
        "TELEMETRY_CLICKHOUSE__USER": platform.clickhouse.user,
        "TELEMETRY_CLICKHOUSE__PASSWORD": platform.clickhouse.password.get_secret_value(),
        "TELEMETRY_CLICKHOUSE__DATABASE": platform.clickhouse.database,
    }


def test_status_says_what_is_missing_and_apply_brings_it(platform: Settings) -> None:
    variables = _environment(platform)
    assert platform.postgres.owner_url is not None
    with postgres.connect(platform.postgres.owner_url.get_secret_value()) as owner:
        owner.execute(
            "DROP TABLE ingest.touched_days CASCADE; DELETE FROM ops.schema_ledger WHERE item LIKE '%touched_days'"
        )
    missing = _telemetry("status", **variables)
    assert missing.returncode == 1
    assert "postgres/tables/ingest_touched_days" in missing.stdout
    assert "Next: telemetry schema apply" in missing.stdout
    applied = _telemetry("apply", **variables)
    assert (applied.returncode, "postgres/tables/ingest_touched_days" in applied.stdout) == (0, True), applied.stderr
    assert _telemetry("status", **variables).returncode == 0
    assert "up to date" in _telemetry("apply", **variables).stdout


def test_apply_without_the_owners_connection_says_which_variable_to_set() -> None:
    done = _telemetry("apply")
    assert (done.returncode, "TELEMETRY_POSTGRES__OWNER_URL" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr
