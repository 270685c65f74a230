"""Copies of held persons' rows in the warehouse, and the TTL of the tables that they are from.

Invariants: a copy is made and compared before its row may be deleted (`keep`); pseudonyms travel beside a statement,
never in its text, and what is deleted or kept on is named by the hold; besides values, only names of tables and
columns, their types as the database itself has them, and a contract's TTL are put into a statement.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from telemetry_platform import sql_files
from telemetry_platform.contracts.held_copies import COPIED_AT, HOLD_ID, copied, name_of, person_column
from telemetry_platform.errors import ContractViolationError, PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.stores.holds import InForce
    from telemetry_platform.stores.warehouse import Warehouse

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PSEUDONYM = re.compile(r"[0-9a-f]{64}", re.ASCII)
_OURS = (HOLD_ID.name, COPIED_AT.name)
_MEMORY = {"max_memory_usage": 1024 * 1024 * 1024}
"""Of the comparison of one person's day; beyond it the server says so, and the row stays where it is."""


def ensure_tables(warehouse: Warehouse) -> None:
    """Let every table whose rows may be held have one for their copies, with the same columns."""
    found: dict[str, dict[str, str]] = {}
    for table_name, column, kind in warehouse.rows("select_live_columns"):
        found.setdefault(table_name, {})[column] = kind
    for name, table in copied().items():
        if table.name in found:
            _ensure(warehouse, name, table, found[table.name], found.get(name, {}))


def _ensure(warehouse: Warehouse, name: str, table: Table, given: Mapping[str, str], there: Mapping[str, str]) -> None:
    held = {"held": name}
    if not there:
        scope = {"time": table.retention.column, "person": person_column(table)}
        warehouse.client.command(_statement("create_held_copies", table=_named(table.name)), held | scope)
    if not all(ours in there for ours in _OURS):
        # Also of a table that a command which was killed in between left without them.
        warehouse.execute("add_hold_columns", held)
    known, before = there or given, ""
    for column, kind in given.items():
        texts = {"column": _named(column), "type": kind}
        if column not in known:
            text = _statement("add_held_column", **texts, after=_named(before or _OURS[0]))
            warehouse.client.command(text, held)
        elif known[column] != kind:
            warehouse.client.command(_statement("modify_held_column", **texts), held)
        before = column


def keep(  # noqa: PLR0913 - what of whom, and beside whose copies
    warehouse: Warehouse, table: Table, hold: InForce, cut_off: datetime, now: datetime, *, keepers: Sequence[UUID] = ()
) -> int:
    """Copy what the held person has in the table from before a cut-off; how many rows that is, all of them copied.

    `keepers` are other holds in force: what one of them has a copy of gets no other. May be repeated. Raises
    PermanentError when a row is left without a copy: then nothing may be deleted.
    """
    if not hold.actors:
        return 0
    if not all(_PSEUDONYM.fullmatch(actor) for actor in hold.actors):
        raise ContractViolationError("a pseudonym is 64 hex digits: nothing else may be looked for")
    persons = {"persons": "".join(f"{actor}\n" for actor in hold.actors)}
    scope: dict[str, Any] = {
        "table": table.name,
        "held": name_of(table),
        "time": table.retention.column,
        "person": person_column(table),
        "org_id": hold.org_id,
        "cut_off": cut_off,
        "holds": [str(keeper) for keeper in (hold.hold_id, *keepers)],
    }
    columns = ", ".join(map(_named, _columns(warehouse, table.name)))
    days = warehouse.client.query_arrow(_statement("select_held_days"), scope, None, persons).to_pylist()
    found = 0
    for row in days:
        day = scope | {"day": row["day"]}
        warehouse.client.command(
            _statement("copy_held_rows", columns=columns),
            day | {"hold_id": str(hold.hold_id), "now": now},
            _MEMORY,
            persons,
        )
        counted = warehouse.client.query_arrow(
            _statement("count_uncopied_rows", columns=columns), day, _MEMORY, persons
        ).to_pylist()[0]
        if counted["uncopied"]:
            raise PermanentError(
                f"{table.name}: {counted['uncopied']} rows of a held person have no copy: nothing was deleted; look "
                "whether something else writes to the table, then run retention again"
            )
        found += int(counted["found"])
    return found


def by_hold(warehouse: Warehouse, name: str) -> Mapping[UUID, int]:
    """For which holds there are copies in a table, and how many."""
    return {UUID(str(hold_id)): int(count) for hold_id, count in warehouse.rows("count_copies_by_hold", {"held": name})}


def hand_on(warehouse: Warehouse, name: str, hold_id: UUID, keeper: UUID) -> None:
    """Let another hold keep these copies; it has happened when this returns."""
    warehouse.execute("keep_copies_for_hold", {"held": name, "hold_id": str(hold_id), "keeper": str(keeper)})


def delete(warehouse: Warehouse, name: str, hold_id: UUID) -> None:
    """Remove the copies of a hold; it has happened when this returns."""
    warehouse.execute("delete_copies_of_hold", {"held": name, "hold_id": str(hold_id)})


def has_ttl(warehouse: Warehouse, table: Table) -> bool:
    """Whether merges delete expired rows of the table by themselves. Raises PermanentError where there is no table."""
    rows = warehouse.rows("select_engine", {"table": table.name})
    if not rows:
        raise PermanentError(f"{table.name} is not there: run `telemetry schema apply`")
    return " TTL " in rows[0][0]


def remove_ttl(warehouse: Warehouse, table: Table) -> None:
    """Merges delete nothing of it from now on."""
    warehouse.execute("remove_ttl", {"table": table.name})


def restore_ttl(warehouse: Warehouse, table: Table) -> None:
    """Merges delete what its contract says again."""
    warehouse.client.command(_statement("restore_ttl", ttl=table.retention.ttl), {"table": table.name})


def _columns(warehouse: Warehouse, table: str) -> dict[str, str]:
    """Names and types, in their order; none where the table is not there."""
    rows = warehouse.rows("select_columns", {"table": table})
    return {name: kind for name, kind in rows if name not in _OURS}


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ContractViolationError("a name of a table or column has letters, digits and underscores only")
    return name


def _statement(name: str, **texts: str) -> str:
    """The text of a named statement, its placeholders of the type Text filled in."""
    text = sql_files.statements(sql_files.read(f"clickhouse/queries/{name}.sql"))[0]
    for placeholder, words in texts.items():
        text = text.replace(f"{{{placeholder}:Text}}", words)
    return text
