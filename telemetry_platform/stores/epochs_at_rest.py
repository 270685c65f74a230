"""Under which key epochs the pseudonyms at rest and on their way are: counts by epoch, never a pseudonym.

Invariant: what cannot be counted raises; a key is destroyed on the word of these counts, and nothing may look empty
that could not be looked at.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from telemetry_platform import sql_files
from telemetry_platform.errors import TransientError
from telemetry_platform.stores import redis as driver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis import Redis

    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

_READ = 1_000
MOST_WAITING = 500_000
"""Entries of the queue that are looked through; with more of them a drain is what is needed."""


def in_warehouse(warehouse: Warehouse, table: str, column: str) -> Mapping[int, int]:
    """Rows by epoch of a table of ClickHouse."""
    rows = warehouse.rows("select_key_epochs", {"table": table, "column": column})
    return {int(epoch): int(count) for epoch, count in rows}


def in_postgres(conn: Connection, table: str, column: str) -> Mapping[int, int]:
    """Rows by epoch of a table of PostgreSQL."""
    query = sql_files.read("postgres/queries/count_by_key_epoch.sql").encode()
    return dict(conn.execute(query, {"table": table, "column": column}).fetchall())


def in_dead_letters(conn: Connection) -> Mapping[tuple[str, int], int]:
    """Dead letters by kind and epoch, whether they wait or were replayed."""
    query = sql_files.read("postgres/queries/count_letters_by_key_epoch.sql").encode()
    return {(kind, epoch): count for kind, epoch, count in conn.execute(query, {}).fetchall()}


def in_queue(client: Redis, streams: Sequence[str]) -> Mapping[str, Mapping[int, int]]:
    """Entries by epoch of each stream. Raises TransientError when more wait than can be looked through."""
    found = {stream: _in_stream(client, stream) for stream in streams}
    return {stream: counts for stream, counts in found.items() if counts}


def _in_stream(client: Redis, stream: str) -> Mapping[int, int]:
    counts: Counter[int] = Counter()
    with driver.own_errors():
        if client.xlen(stream) > MOST_WAITING:
            raise TransientError(
                f"more than {MOST_WAITING:,} entries wait in {stream}: try again when they have been drained"
            )
        after = "-"
        while entries := _after(client, stream, after):
            counts.update(_epoch(fields) for _, fields in entries)
            after = f"({entries[-1][0].decode()}"
    counts.pop(0, None)
    return counts


def _after(client: Redis, stream: str, after: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    entries: Any = client.xrange(stream, min=after, count=_READ)
    return list(entries)


def _epoch(fields: Mapping[bytes, bytes]) -> int:
    """The entry's epoch; what is no number is nobody's: the drain puts such an entry aside."""
    text = fields.get(b"key_epoch", b"").decode("ascii", "replace")
    return int(text) if text.isascii() and text.isdigit() else 0
