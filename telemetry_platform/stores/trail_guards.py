"""What keeps the trail append-only, as the database's catalogues say it: triggers, owners, functions, rights.

Invariant: this only looks, and believes the server's catalogues; who must be found out is whoever may change tables of
the schema, not whoever may change the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection

GUARDED_SCHEMAS = ("audit", "security")
FUNCTION_SCHEMAS = (*GUARDED_SCHEMAS, "ops", "privacy")
"""With those whose functions the trail relies on: the clock, the holds."""
TRUNCATE_UPDATE_DELETE_BEFORE_STATEMENT = 2 | 8 | 16 | 32
"""`pg_trigger.tgtype` of the trigger that every guarded table has."""


class Trigger(NamedTuple):
    """A trigger: its table, name, what it fires for, its function, and whether it always fires (`A`).

    `is_conditional`: it has a WHEN, or looks at some columns only.
    """

    table: str
    name: str
    fires_for: int
    function: str
    enabled: str
    is_conditional: bool


class Function(NamedTuple):
    """A function: name, owner, the text between its `$$`, and who but its owner may execute it.

    `is_definer`: it runs with its owner's rights; `has_path`: it looks for names where it says itself.
    """

    name: str
    owner: str
    body: str
    is_definer: bool
    has_path: bool
    executed_by: tuple[str, ...]


class Table(NamedTuple):
    """A table: its owner, and the table that it is a partition of."""

    name: str
    owner: str
    parent: str | None
    begins: datetime | None
    ends: datetime | None


class Right(NamedTuple):
    """A right on a table that somebody but its owner has."""

    table: str
    role: str
    right: str


def triggers(conn: Connection) -> list[Trigger]:
    """Triggers of people and of ours on tables of the guarded schemas, of `privacy` and of `ops`."""
    rows = conn.execute(
        "SELECT t.tgrelid::regclass::text, t.tgname, t.tgtype, t.tgfoid::regproc::text, t.tgenabled::text, "
        "t.tgqual IS NOT NULL OR t.tgattr <> '' "
        "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE c.relnamespace::regnamespace::text IN ('audit', 'security', 'privacy', 'ops') AND NOT t.tgisinternal "
        "OR t.tgrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent IN "
        "('audit.audit_logs'::regclass, 'security.security_events'::regclass)) AND t.tgname LIKE 'append_only%'"
    ).fetchall()
    return [Trigger(*row) for row in rows]


def tables(conn: Connection) -> list[Table]:
    """Tables of the guarded schemas, and partitions of their tables wherever they lie."""
    rows = conn.execute(
        "SELECT c.oid::regclass::text, pg_get_userbyid(c.relowner), i.inhparent::regclass::text, p.begins, p.ends "
        "FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid "
        "LEFT JOIN LATERAL (SELECT b.begins, b.ends FROM audit.partitions_of(i.inhparent::regclass) b "
        "WHERE i.inhparent IN ('audit.audit_logs'::regclass, 'security.security_events'::regclass) "
        "AND b.name = c.relname) p ON true "
        "WHERE c.relkind IN ('r', 'p') AND (c.relnamespace::regnamespace::text = ANY (%s) "
        "OR i.inhparent IN ('audit.audit_logs'::regclass, 'security.security_events'::regclass)) ORDER BY 1",
        (list(GUARDED_SCHEMAS),),
    ).fetchall()
    return [Table(*row) for row in rows]


def functions(conn: Connection) -> list[Function]:
    """Functions of the guarded schemas and of those that they rely on; what is named is what a call would run."""
    rows = conn.execute(
        "SELECT p.pronamespace::regnamespace::text || '.' || p.proname, pg_get_userbyid(p.proowner), p.prosrc, "
        "p.prosecdef, 'search_path=pg_catalog, pg_temp' = ANY (coalesce(p.proconfig, '{}')), ARRAY("
        "SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END "
        "FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee <> p.proowner) "
        "FROM pg_proc p "
        "WHERE p.pronamespace::regnamespace::text = ANY (%s) AND p.prokind <> 'a'",
        (list(FUNCTION_SCHEMAS),),
    ).fetchall()
    return [Function(row[0], row[1], row[2], row[3], row[4], tuple(row[5])) for row in rows]


def rights(conn: Connection) -> list[Right]:
    """Rights on tables and views of the guarded schemas, and on columns of them, that anybody but their owner has."""
    rows = conn.execute(
        "SELECT c.oid::regclass::text, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END, "
        "a.privilege_type FROM pg_class c CROSS JOIN LATERAL (SELECT * FROM aclexplode(c.relacl) UNION "
        "SELECT x.* FROM pg_attribute t, aclexplode(t.attacl) x WHERE t.attrelid = c.oid) a "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relnamespace::regnamespace::text = ANY (%s) "
        "AND a.grantee <> c.relowner ORDER BY 1, 2, 3",
        (list(GUARDED_SCHEMAS),),
    ).fetchall()
    return [Right(*row) for row in rows]


def oddities(conn: Connection) -> list[tuple[str, str]]:
    """What a table of the guarded schemas may not have, each with its table: rules, row security, no log."""
    rows = conn.execute(
        "SELECT c.oid::regclass::text, o.odd FROM pg_class c, LATERAL ("
        "SELECT 'a rule, ' || r.rulename FROM pg_rewrite r WHERE r.ev_class = c.oid "
        "UNION ALL SELECT 'row security' WHERE c.relrowsecurity OR c.relforcerowsecurity "
        "UNION ALL SELECT 'no write-ahead log' WHERE c.relpersistence <> 'p') AS o (odd) "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text = ANY (%s) ORDER BY 1, 2",
        (list(GUARDED_SCHEMAS),),
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def has_floor(conn: Connection) -> bool:
    """Whether the database itself refuses to keep the trail for less than six years."""
    row = conn.execute(
        "SELECT FROM pg_constraint WHERE conrelid = 'audit.policy'::regclass AND contype = 'c' AND convalidated "
        "AND conname = 'trail_is_kept_for_six_years' AND pg_get_constraintdef(oid) LIKE '%%(amount >= 6)%%'"
    ).fetchone()
    return row is not None


def superusers_guards(conn: Connection) -> list[tuple[str, str]]:
    """The event triggers of the superuser, each with whether it always fires (`A`); none where they cannot be."""
    rows = conn.execute("SELECT evtname, evtenabled::text FROM pg_event_trigger WHERE evtname LIKE 'trail_is_not_%%'")
    return [(row[0], row[1]) for row in rows.fetchall()]


def administrators(conn: Connection, roles: tuple[str, ...]) -> list[str]:
    """Those of these roles that may do anything."""
    rows = conn.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s) AND (rolsuper OR rolbypassrls OR rolcreaterole)",
        (list(roles),),
    ).fetchall()
    return [str(row[0]) for row in rows]
