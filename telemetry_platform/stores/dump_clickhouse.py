"""Everything that a ClickHouse server holds, decoded: every table of every database, the system's own included.

Invariant: a table that cannot be read raises; those that are left out stand in `NOT_READ` with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform import sql_files
from telemetry_platform.stores.parts_at_rest import TablePart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.stores.warehouse import Warehouse

_ENDLESS = "makes its rows up as they are read"
_ELSEWHERE = "asks a coordination service that is none of this server's stores"
_ACCOUNTS = "accounts and their rights, which an administrator writes and a role for data may not read"
_SHIPPED = "comes with the server's program and is the same everywhere"
_MEMORY = "samples of memory, which are there only while somebody takes them"
NOT_READ: dict[str, str] = {
    "numbers": _ENDLESS,
    "numbers_mt": _ENDLESS,
    "zeros": _ENDLESS,
    "zeros_mt": _ENDLESS,
    "primes": _ENDLESS,
    "generate_series": _ENDLESS,
    "generateSeries": _ENDLESS,
    **dict.fromkeys(("unicode", "licenses", "documentation", "contributors", "symbols"), _SHIPPED),
    **dict.fromkeys(("jemalloc_profile_text", "jemalloc_sampled_allocations", "jemalloc_stats"), _MEMORY),
    **dict.fromkeys(
        (
            *("grants", "role_grants", "roles", "users", "row_policies", "masking_policies"),
            *("quotas", "quota_limits", "quota_usage", "quotas_usage"),
            *("settings_profiles", "settings_profile_elements", "user_directories"),
        ),
        _ACCOUNTS,
    ),
    "zookeeper": _ELSEWHERE,
    "zookeeper_info": _ELSEWHERE,
    "distributed_ddl_queue": _ELSEWHERE,
}
"""Tables of the database `system` that hold nothing at rest."""
_WHOLE = {
    "asterisk_include_materialized_columns": 1,
    "apply_deleted_mask": 0,
    # A limit would cut the answer without an error.
    "max_result_rows": 0,
    "max_result_bytes": 0,
}


def tables(warehouse: Warehouse) -> Iterator[TablePart]:
    """All tables; logs that wait in memory are written first."""
    warehouse.client.command("SYSTEM FLUSH LOGS")
    statement = sql_files.statements(sql_files.read("clickhouse/queries/select_table_as_text.sql"))[0]
    for database, table, _, columns in warehouse.rows("select_readable_columns"):
        if database == "system" and table in NOT_READ:
            continue
        place = {"database": database, "table": table}
        yield TablePart(f"{database}.{table}", tuple(columns), warehouse.client.text_blocks(statement, place, _WHOLE))
