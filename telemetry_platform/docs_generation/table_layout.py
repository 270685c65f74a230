"""How a table's rows lie on the disk, read from its SQL file: what an analyst's WHERE should begin with.

Sorting and partitions are designed in the file and stand in no contract.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from telemetry_platform import sql_files
from telemetry_platform.contracts.event_kind import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.event_kind import Table

_PARTITIONS = {
    "toYYYYMM": "one for each month of",
    "toYYYYMMDD": "one for each day of",
    "toMonday": "one for each week of",
    "toDate": "one for each day of",
}
_CLICKHOUSE_PARTITION = re.compile(r"^PARTITION BY (\w+)\((\w+)\)$", re.MULTILINE)
_CLICKHOUSE_ORDER = re.compile(r"^ORDER BY \((.+)\)$", re.MULTILINE)
_POSTGRES_PARTITION = re.compile(r"^\) PARTITION BY RANGE \((\w+)\);$", re.MULTILINE)
_POSTGRES_KEY = re.compile(r"^    PRIMARY KEY \((.+)\)$", re.MULTILINE)


def layout(table: Table) -> Iterator[tuple[str, str]]:
    """Name and words of each fact; none for a table whose file has not been written yet."""
    file = _file(table)
    if table.store is Store.CLICKHOUSE:
        if match := _CLICKHOUSE_ORDER.search(file):
            yield "sorted by", _names(match[1])
        if match := _CLICKHOUSE_PARTITION.search(file):
            yield "partitions", f"{_PARTITIONS.get(match[1], f'by {match[1]} of')} `{match[2]}`"
        return
    if match := _POSTGRES_KEY.search(file):
        yield "primary key", _names(match[1])
    if match := _POSTGRES_PARTITION.search(file):
        yield "partitions", f"one for each month of `{match[1]}`"


def _file(table: Table) -> str:
    name = table.name.replace(".", "_")
    return next((file.text for file in sql_files.files(f"{table.store.value}/tables") if file.name == name), "")


def _names(listed: str) -> str:
    return ", ".join(f"`{name.strip()}`" for name in listed.split(","))
