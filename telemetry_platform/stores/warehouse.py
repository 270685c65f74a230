"""The warehouse: named statements on ClickHouse, inserts of columns under a token, and what makes them exactly once.

Invariants: statements come from `sql/clickhouse/queries/` by file name; the only text ever put into one is a list of
keys (as a field of the request, servers refuse more than 128 KiB of it: 3,000 keys), which holds hex digits and dashes
only. One insert is one block: split under one token, rows would be lost or doubled. Ids leave as text, like they came.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from telemetry_platform import sql_files
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores import clickhouse
from telemetry_platform.stores.tenant_keys import KEY_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.settings import ClickHouseSettings
    from telemetry_platform.stores.tenant_keys import Keys

_ONE_BLOCK = {
    # The server may not cut a batch: its token would then guard several blocks.
    "max_insert_block_size": 1_048_576,
    "min_insert_block_size_rows": 1_048_576,
    "min_insert_block_size_bytes": 1024 * 1024 * 1024,
    "input_format_parallel_parsing": 0,
    "max_insert_threads": 1,
    # The token guards what views fill, too: a retry gives a live table what a killed insert did not, and nothing twice.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
}
_FILTERED_IDS = 3_000
"""Of more ids one passes nearly every filter of `by_event_id` by chance: asking them costs more than reading all ids.

In 10 million rows (two cores, filters against none): 100 ids 27 and 90 ms, 1,000 ids 46 and 91, 3,000 ids 72 and 87; of
50,000 ids 450 without and over 600 with.
"""


class Warehouse:
    """Statements and inserts on one client; safe to share between threads."""

    def __init__(self, client: clickhouse.Client) -> None:
        self.client = client

    def query(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        keys: Mapping[str, Keys] | None = None,
        key_tables: Mapping[str, Keys] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> pa.Table:
        """The answer of `queries/<name>.sql` as columns.

        `keys` fills placeholders of the type Text; each of `key_tables` is a table of that name with the column
        `key`, for lists as long as a batch.
        """
        tables = {table: _key_list(values, "\n") for table, values in (key_tables or {}).items()}
        return self.client.query_arrow(_statement(name, keys), dict(parameters or {}), settings, tables)

    def rows(
        self, name: str, parameters: Mapping[str, Any] | None = None, keys: Mapping[str, Keys] | None = None
    ) -> Sequence[Sequence[Any]]:
        """The answer of `queries/<name>.sql` as Python values, for small ones."""
        return self.client.query(_statement(name, keys), dict(parameters or {}))

    def execute(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        keys: Mapping[str, Keys] | None = None,
        *,
        token: str | None = None,
        query_id: str | None = None,
    ) -> None:
        """Run `queries/<name>.sql` for its effect; an INSERT ... SELECT under a token happens once."""
        self.client.command(_statement(name, keys), dict(parameters or {}), _insert_settings(token, query_id))

    def insert(self, table: str, rows: pa.Table, *, token: str, query_id: str | None = None) -> None:
        """Insert all rows as one block, once for each token. The columns may come in any order, but must be named."""
        if rows.num_rows:
            block = rows.combine_chunks()
            self.client.insert_arrow(table, block, _insert_settings(token, query_id))

    def kill(self, batch_id: str) -> None:
        """End inserts of a batch's earlier attempts, and wait until they are gone; nothing happens without any."""
        self.client.command(_statement("kill_query"), {"target": batch_id})

    def stored_events(self, table: Table, batch_id: str, *, since: datetime) -> pa.Table:
        """`event_id` (text) and `org_id` of what the batch has stored, among rows whose time is not before `since`."""
        return self.query("select_batch_events", _scope(table, batch_id, since))

    def known_events(
        self, table: Table, events: Keys, *, sessions: Keys | None = None, batch_id: str, since: datetime
    ) -> pa.Table:
        """Rows that other batches stored under one of these keys: `event_id` (text) and the columns that are content.

        With the batch's sessions, only theirs are looked at. A row whose content differs from the stored one is an id
        conflict, one that agrees a duplicate.
        """
        events = _column(events)
        key_tables: dict[str, Keys] = {"events": events}
        name, settings = "select_known_events", {"use_skip_indexes": int(len(events) <= _FILTERED_IDS)}
        if sessions is not None:
            key_tables["sessions"] = sessions
            name, settings = "select_known_events_of_sessions", {}
        return _with_text_ids(
            self.query(name, _scope(table, batch_id, since), key_tables=key_tables, settings=settings)
        )

    def all_rows(self, table: Table) -> pa.Table:
        """The whole table as it lies there, ids as text."""
        return _with_text_ids(self.query("select_all_rows", {"table": table.name}))


def _scope(table: Table, batch_id: str, since: datetime) -> dict[str, Any]:
    return {"table": table.name, "time": table.retention.column, "batch_id": batch_id, "since": since}


def _insert_settings(token: str | None, query_id: str | None) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if token is not None:
        settings |= _ONE_BLOCK | {"insert_deduplication_token": token}
    if query_id is not None:
        settings["query_id"] = query_id
    return settings


def _statement(name: str, keys: Mapping[str, Keys] | None = None) -> str:
    """The text of a named statement, its lists of keys filled in."""
    text = sql_files.statements(sql_files.read(f"clickhouse/queries/{name}.sql"))[0]
    for placeholder, values in (keys or {}).items():
        text = text.replace(f"{{{placeholder}:Text}}", f"'{_key_list(values)}'")
    return text


def _key_list(values: Keys, separator: str = ",") -> str:
    """Distinct keys, joined. Raises ContractViolationError for anything else."""
    distinct = pc.unique(_column(values)).drop_null()
    if not pc.all(pc.match_substring_regex(distinct, KEY_PATTERN), min_count=0).as_py():
        raise ContractViolationError("a key is no UUID in lower case with a tenant in hex: make it with `tenant_keys`")
    return separator.join(distinct.to_pylist())


def _column(values: Keys) -> pa.Array | pa.ChunkedArray:
    return values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(list(values), pa.string())


def _with_text_ids(rows: pa.Table) -> pa.Table:
    """UUID columns as text, so that they compare with what the queue holds. Older servers send them as 16 bytes."""
    for position, field in enumerate(rows.schema):
        if pa.types.is_fixed_size_binary(getattr(field.type, "storage_type", field.type)):
            values = rows[field.name].to_pylist()
            text = [str(UUID(bytes=value)) if isinstance(value, bytes) else value and str(value) for value in values]
            rows = rows.set_column(position, field.name, pa.array(text, pa.string()))
    return rows


class LastingWarehouse:
    """A warehouse that is connected at its first use and then kept: connecting costs as much as a short statement.

    Safe to share between threads; a connection that the server has closed is made again by the driver.
    """

    def __init__(self, settings: ClickHouseSettings, *, log_comment: str) -> None:
        self._settings, self._log_comment = settings, log_comment
        self._lock = Lock()
        self._opened: Warehouse | None = None

    def get(self) -> Warehouse:
        """The warehouse. Raises as `clickhouse.connect` does; the next call tries again."""
        with self._lock:
            if self._opened is None:
                self._opened = Warehouse(clickhouse.connect(self._settings, log_comment=self._log_comment))
            return self._opened

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._opened is not None:
                self._opened.client.close()
                self._opened = None


@contextmanager
def open_warehouse(settings: ClickHouseSettings, *, log_comment: str = "") -> Iterator[Warehouse]:
    """A warehouse for the block; every statement carries `log_comment`."""
    with clickhouse.connect(settings, log_comment=log_comment) as client:
        yield Warehouse(client)
