"""Make the databases and the roles of a PostgreSQL server: the one step that needs its administrator.

Invariants: safe to repeat; a role's password is set only when one is given (a second run without it changes nothing);
passwords reach the server as SCRAM verifiers, so that neither its log nor its statistics ever hold one; no role of ours
may create databases or roles, bypass row security, or is a superuser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from telemetry_platform import sql_files
from telemetry_platform.errors import ConfigurationError, PermanentError
from telemetry_platform.stores import postgres
from telemetry_platform.stores.postgres import SQL, Identifier, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.stores.postgres import Connection

OWNER = "telemetry_owner"
DAGSTER = "telemetry_dagster"
ROLES = (OWNER, "telemetry_ingest", "telemetry_read", "telemetry_retention", "telemetry_dashboards", DAGSTER)
TELEMETRY = "telemetry"
DATABASES = {TELEMETRY: OWNER, "dagster": DAGSTER}
"""Each database with the role that owns it."""

_MAY_CONNECT = {"telemetry": ROLES[:-1], "dagster": (DAGSTER,)}
_LOCK = "telemetry bootstrap"


@dataclass(frozen=True)
class BootstrapReport:
    """What was made; empty when everything was there."""

    roles: tuple[str, ...]
    databases: tuple[str, ...]
    guards: bool = True
    """Whether the guards against DDL are there: they need an administrator who is a superuser."""

    def __str__(self) -> str:
        """One line for people."""
        made = [*(f"role {name}" for name in self.roles), *(f"database {name}" for name in self.databases)]
        said = f"made {', '.join(made)}" if made else "databases and roles are there"
        if self.guards:
            return said
        return f"{said}; this administrator is no superuser: DDL against the audit trail is found hourly, not prevented"


def bootstrap(admin_url: str, passwords: Mapping[str, str]) -> BootstrapReport:
    """Make what is missing. `passwords` by role; a role that does not exist yet needs one.

    Raises ConfigurationError when it has none or the name is no role of ours.
    """
    unknown = sorted(set(passwords) - set(ROLES))
    if unknown:
        raise ConfigurationError(f"{', '.join(unknown)} is no role of the platform: there are {', '.join(ROLES)}")
    # Outside a transaction: CREATE DATABASE refuses to run in one.
    with postgres.connect(admin_url, application="telemetry-bootstrap", autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [_LOCK])
        roles = tuple(name for name in ROLES if _ensure_role(connection, name, passwords.get(name)))
        databases = tuple(name for name, owner in DATABASES.items() if _ensure_database(connection, name, owner))
        for name in DATABASES:
            _limit_connections(connection, name)
    return BootstrapReport(roles, databases, guard_trail(_at_database(admin_url, TELEMETRY)))


def guard_trail(admin_url: str) -> bool:
    """Make the superuser's guards against DDL in the database of the URL; False when the administrator may not."""
    with postgres.connect(admin_url, application="telemetry-bootstrap") as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        if row is None or not row[0]:
            return False
        connection.execute(sql_files.read("postgres/superuser/guard_trail.sql").encode())
        return True


def _at_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _ensure_role(connection: Connection, name: str, password: str | None) -> bool:
    """Make one role or set its password; whether it was made."""
    known = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    if known is None and password is None:
        raise ConfigurationError(f"the role {name} does not exist yet and no password was given for it")
    if known is not None and known[0]:
        raise PermanentError(f"{name} is a superuser on this server: run ALTER ROLE {name} NOSUPERUSER first")
    role = Identifier(name)
    if known is None:
        limits = SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")
        connection.execute(limits.format(role))
    if password is not None:
        verifier = Literal(connection.scram_verifier(name, password))
        connection.execute(SQL("ALTER ROLE {} PASSWORD {}").format(role, verifier))
    return known is None


def _ensure_database(connection: Connection, name: str, owner: str) -> bool:
    """Make one database; whether it was made."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        return False
    # An administrator that is no superuser (as on managed servers) makes databases for roles it is a member of.
    connection.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(owner)))
    make = SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'")
    connection.execute(make.format(Identifier(name), Identifier(owner)))
    return True


def _limit_connections(connection: Connection, name: str) -> None:
    """By default everybody may connect to a database: here its own roles may."""
    connection.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(name)))
    for role in _MAY_CONNECT[name]:
        connection.execute(SQL("GRANT CONNECT ON DATABASE {} TO {}").format(Identifier(name), Identifier(role)))


def missing_roles(admin_url: str) -> tuple[str, ...]:
    """The roles that the server does not have yet: those that need a password."""
    with postgres.connect(admin_url, application="telemetry-bootstrap") as connection:
        known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
    return tuple(name for name in ROLES if name not in known)


def connection_variables(admin_url: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that hold the roles' connections, for the server that the administrator's URL names."""
    address = urlsplit(admin_url)
    host = address.hostname or "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    port = address.port or 5432

    def url(role: str) -> str:
        login = f"{role}:{quote(passwords[role], safe='')}@{host}:{port}"
        return urlunsplit(("postgresql", login, "/telemetry", address.query, ""))

    names = {
        "URL": "telemetry_ingest",
        "READ_URL": "telemetry_read",
        "RETENTION_URL": "telemetry_retention",
        "DASHBOARDS_URL": "telemetry_dashboards",
        "OWNER_URL": OWNER,
    }
    found = {f"TELEMETRY_POSTGRES__{name}": url(role) for name, role in names.items() if role in passwords}
    if DAGSTER in passwords:
        found |= {
            "DAGSTER_PG_HOST": address.hostname or "127.0.0.1",
            "DAGSTER_PG_PORT": str(port),
            "DAGSTER_PG_DB": "dagster",
            "DAGSTER_PG_USERNAME": DAGSTER,
            "DAGSTER_PG_PASSWORD": passwords[DAGSTER],
        }
    return found
