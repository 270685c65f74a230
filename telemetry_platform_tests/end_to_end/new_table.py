"""What Dagster makes of one kind: `python -m telemetry_platform_tests.end_to_end.new_table <kind>` prints it as JSON.

A program of its own, because it is run in a copy of the project, whose contracts are others than the test's.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dagster as dg

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.defs.keys import table_key
from telemetry_platform.settings import load
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.defs.front_door import check, definitions, drain_until_idle

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import Table

_BAD_ROW = """INSERT INTO {table:Identifier} (event_id, occurred_at, received_at, org_id, actor_hash, consent_level)
VALUES ({event_id:UUID}, now64(3), now64(3), 'clinic-1', 'user-1', 0)"""


def describe(name: str) -> dict[str, Any]:
    """The kind's contract and asset, what a drain tells of its table, and its checks before and after a bad row."""
    kind = kinds()[name]
    key = table_key(kind.table)
    graph = definitions().get_repository_def().asset_graph
    node = graph.get(key)
    schema = node.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    check_keys = sorted(found for found in graph.asset_check_keys if found.asset_key == key)
    with dg.DagsterInstance.ephemeral() as instance:
        drained = drain_until_idle(instance)
        told = {event.asset_key: event.materialization for event in drained.get_asset_materialization_events()}
        looked = [found for found in drained.get_asset_check_evaluations() if found.asset_key == key]
        # Those that are no part of the drain's step are run by themselves.
        own = [found for found in check_keys if found.name not in {one.check_name for one in looked}]
        passed = {found.name: check(instance, found)[0].passed for found in own}
        passed |= {found.check_name: found.passed for found in looked}
        _insert_bad_row(kind.table)
        after = {found.name: check(instance, found)[0].passed for found in check_keys}
    return {
        "retention": {"sentence": kind.table.retention.sentence, "ttl": kind.table.retention.ttl},
        "asset": {
            "key": key.to_user_string(),
            "group": node.group_name,
            "owners": sorted(node.owners),
            "upstream": sorted(parent.to_user_string() for parent in node.parent_keys),
            "columns": {column.name: column.description for column in schema.columns},
            "hashed": sorted(column.name for column in schema.columns if column.tags.get("treatment") == "hashed"),
            "retention": node.metadata["retention"],
            "erasure": node.metadata["erasure"],
            "tags": dict(node.tags),
        },
        "queue_checks": sorted(found.name for found in graph.asset_check_keys if found.asset_key in node.parent_keys),
        "checks": [found.name for found in check_keys],
        "materialized": {name: value.value for name, value in told[key].metadata.items()} if key in told else None,
        "passed": passed,
        "passed_after_a_bad_row": after,
    }


def _insert_bad_row(table: Table) -> None:
    """A row with a raw id that was taken without consent: what no drain would store."""
    with open_warehouse(load().clickhouse, log_comment="tests") as warehouse:
        warehouse.client.command(_BAD_ROW, {"table": table.name, "event_id": str(uuid4())})


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe(sys.argv[1]), default=str))
