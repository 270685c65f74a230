"""Whether everything that keeps the trail append-only is as the release made it.

DDL that succeeded leaves a trace in the catalogues: a trigger gone or switched off, a partition missing or detached, an
owner, a right or a function's text changed. Invariant: what is expected comes from the SQL files and the contracts of
this release, never from the database that is looked at.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from telemetry_platform import sql_files
from telemetry_platform.contracts.events import audit, security
from telemetry_platform.stores import trail_guards
from telemetry_platform.usecases.bootstrap_schema import OWNER, ROLES
from telemetry_platform.usecases.retention_policy import other_policies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.trail_guards import Function, Right, Table, Trigger

PARENTS = (audit.LOGS.name, security.EVENTS.name)
_APPEND_ONLY, _ROWS = "append_only", "append_only_rows"
_CHUNKS = "_timescaledb_internal."
_EVERYBODY = "PUBLIC"
_MADE_APPEND_ONLY = re.compile(r"SELECT audit\.make_append_only\('([a-z_.]+)'\)")
_BODY = re.compile(r"CREATE OR REPLACE FUNCTION (\w+\.\w+)\s*\((.*?)AS \$\$(.*?)\$\$", re.DOTALL)
_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)[^;]*? ON ((?:audit|security|privacy|ops)\.\w+)[^;]*? FUNCTION (\w+\.\w+)")
_EXECUTE = re.compile(r"GRANT EXECUTE ON FUNCTION ([^;]*?)\s+TO\s+(\w+)\s*;")
_NAME = re.compile(r"(\w+\.\w+)\s*\(")
_READS_ALL = re.compile(r"GRANT SELECT ON ALL TABLES IN SCHEMA ([a-z, ]+?)\s+TO\s+(\w+)\s*;")
_FOR_ANALYSTS = frozenset({"audit.counts_by_day", "audit.visible_from"})
"""What roles that are not the platform's may be given: counts of groups, and what these ask."""
_GRANT = re.compile(r"GRANT ([A-Z, ]+?)\s+ON\s+([a-z_., \n]+?)\s+TO\s+(\w+)\s*;")


def faults(conn: Connection, now: datetime, settings: Settings) -> list[str]:
    """What is not as it was made, a sentence each; empty when all is. `conn` is telemetry_read's."""
    held = trail_guards.tables(conn)
    return [
        *_triggers(trail_guards.triggers(conn), held),
        *_owners(held),
        *_partitions(held, now),
        *_functions(trail_guards.functions(conn)),
        *_rights(trail_guards.rights(conn)),
        *(f"{table} has {odd}" for table, odd in trail_guards.oddities(conn)),
        *([] if trail_guards.has_floor(conn) else ["audit.policy takes less than six years for the trail"]),
        *(f"{table} is kept by another policy than the release's" for table in other_policies(conn, settings)),
        *(f"{role} is an administrator of the server" for role in trail_guards.administrators(conn, ROLES)),
        *(
            f"the guard {name} against DDL is switched off"
            for name, enabled in trail_guards.superusers_guards(conn)
            if enabled != "A"
        ),
    ]


def append_only_tables() -> frozenset[str]:
    """Tables that the release makes append-only, from their files."""
    found = {security.EVENTS.name}
    for file in sql_files.files("postgres/tables"):
        found |= set(_MADE_APPEND_ONLY.findall(file.text))
    return frozenset(found)


def _triggers(found: Sequence[Trigger], held: Sequence[Table]) -> Iterator[str]:
    by_table: dict[str, dict[str, Trigger]] = {}
    for trigger in found:
        by_table.setdefault(trigger.table, {})[trigger.name] = trigger
    partitions = {table.name for table in held if table.parent in PARENTS}
    for table in sorted(append_only_tables() | partitions):
        yield from _guards_of(table, by_table.get(table, {}), has_rows=table in PARENTS or table in partitions)
    yield from _others(found)


def _guards_of(table: str, mine: Mapping[str, Trigger], *, has_rows: bool) -> Iterator[str]:
    """What is wrong with one table; `has_rows`: rows are guarded one by one as well, since they lie in partitions."""
    guard = mine.get(_APPEND_ONLY)
    # TimescaleDB hands triggers for rows on to its chunks, and no others.
    if guard is None and not table.startswith(_CHUNKS):
        yield f"{table} has not the trigger that keeps it append-only"
    if guard is not None and guard.fires_for != trail_guards.TRUNCATE_UPDATE_DELETE_BEFORE_STATEMENT:
        yield f"the trigger of {table} does not fire for every change"
    if has_rows and _ROWS not in mine:
        yield f"{table} has not the trigger that guards its rows"
    for trigger in (mine[name] for name in (_APPEND_ONLY, _ROWS) if name in mine):
        if trigger.enabled != "A" or trigger.is_conditional:
            yield f"the trigger {trigger.name} of {table} is switched off, or does not always fire"
        if not trigger.function.endswith(".refuse_change"):
            yield f"the trigger {trigger.name} of {table} calls {trigger.function}"


def _others(found: Sequence[Trigger]) -> Iterator[str]:
    """Triggers that guard nothing: those of the release, and no others."""
    made = {
        (table, name): function
        for file in sql_files.files("postgres/tables")
        for name, table, function in _TRIGGER.findall(file.text)
    }
    there = {(trigger.table, trigger.name): trigger for trigger in found}
    for (table, name), function in sorted(made.items()):
        trigger = there.get((table, name))
        if trigger is None:
            yield f"{table} has not the trigger {name}"
        elif trigger.enabled != "A" or trigger.is_conditional or trigger.function != function:
            yield f"the trigger {name} of {table} is switched off, does not always fire, or calls something else"
    for table, name in sorted(there):
        is_ours = (table, name) in made or name in {_APPEND_ONLY, _ROWS}
        if table.startswith(("audit.", "security.")) and not is_ours:
            yield f"{table} has a trigger that is not ours: {name}"


def _owners(held: Iterable[Table]) -> Iterator[str]:
    for table in held:
        if table.owner != OWNER:
            yield f"{table.name} belongs to {table.owner}"


def _partitions(held: Sequence[Table], now: datetime) -> Iterator[str]:
    """Months follow one another without a hole, the present one is there, and none lies beside its table."""
    for parent in PARENTS:
        months = sorted(
            (table.begins, table.ends, table.name)
            for table in held
            if table.parent == parent
            and table.begins is not None
            and table.ends is not None
            # Chunks of TimescaleDB are made when rows come.
            and not table.name.startswith(_CHUNKS)
        )
        if months and not any(begins <= now < ends for begins, ends, _ in months):
            yield f"{parent} has no partition for now"
        for (_, ends, name), (begins, _, following) in pairwise(months):
            if ends != begins:
                yield f"{parent} has a hole between {name} and {following}: a partition was dropped or detached"
        loose = re.compile(re.escape(parent) + r"_\d{4}_\d{2}")
        for table in held:
            if loose.fullmatch(table.name) and table.parent != parent:
                yield f"{table.name} is not attached to {parent}"


def _functions(found: Sequence[Function]) -> Iterator[str]:
    """Bodies as in the files, each with the rights that its file gives it."""
    live: dict[str, list[Function]] = {}
    given = {
        (name, role)
        for file in sql_files.files("postgres/grants")
        for names, role in _EXECUTE.findall(file.text)
        for name in _NAME.findall(names)
    }
    for function in found:
        for role in function.executed_by:
            if (function.name, role) not in given and (function.name not in _FOR_ANALYSTS or role == _EVERYBODY):
                yield f"{role} may execute {function.name}"
        live.setdefault(function.name, []).append(function)
        if function.owner != OWNER:
            yield f"the function {function.name} belongs to {function.owner}"
    yield from _bodies(live)


def _bodies(live: Mapping[str, Sequence[Function]]) -> Iterator[str]:
    """What runs under each name is what the release's file says, and nothing else does."""
    made: dict[str, set[tuple[str, bool, bool]]] = {}
    for file in sql_files.files("postgres/functions"):
        for name, head, body in _BODY.findall(file.text):
            made.setdefault(name, set()).add((body, "SECURITY DEFINER" in head, "SET search_path" in head))
    for name, wanted in sorted(made.items()):
        if wanted - {(one.body, one.is_definer, one.has_path) for one in live.get(name, ())}:
            yield f"the function {name} is missing, or is not the release's"
    for name, ones in sorted(live.items()):
        # Of another number of arguments, too: a call takes the one that fits best.
        if len(ones) > len(made.get(name, ())):
            yield f"the function {name} is not ours, or there is one more of that name"


def _rights(found: Sequence[Right]) -> Iterator[str]:
    given = {
        (table.strip(), role, right.strip())
        for file in sql_files.files("postgres/grants")
        for rights, tables, role in _GRANT.findall(file.text)
        for right in rights.split(",")
        for table in tables.split(",")
    }
    read_by = {
        (schema.strip(), role)
        for file in sql_files.files("postgres/grants")
        for schemas, role in _READS_ALL.findall(file.text)
        for schema in schemas.split(",")
    }
    for right in found:
        if tuple(right) in given:
            continue
        is_read = right.right == "SELECT"
        if is_read and (right.table.partition(".")[0], right.role) in read_by:
            continue
        if is_read and right.table in _FOR_ANALYSTS and right.role != _EVERYBODY:
            continue
        yield f"{right.role} has the right {right.right} on {right.table}"
