"""Reading one tenant's month of a table that only grows: by index, out of that month's partition alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.contracts.event_kind import Store, Table
from telemetry_platform.contracts.registry import kinds_in
from telemetry_platform_tests.stores.trail import Trail, trail_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

TABLES = tuple(kind.table for kind in kinds_in(Store.POSTGRES))


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    return trail_of(engines, module_platform)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_one_partition_is_read_by_the_tenants_index(trail: Trail, table: Table) -> None:
    time = table.retention.column
    question = (
        f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM {table.name} WHERE org_id = 'clinic-1' "  # noqa: S608 - names of ours
        f"AND {time} >= date_trunc('month', now(), 'UTC') "
        f"AND {time} < date_trunc('month', now(), 'UTC') + interval '1 month' ORDER BY {time}"
    )
    with trail.connect("telemetry_read") as connection:
        # An empty table is scanned whatever indexes it has: what is asked is whether a large one has to be.
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_bitmapscan = off")
        connection.execute("SET enable_sort = off")
        ((answer,),) = connection.execute(question.encode()).fetchall()
    read = [node for node in nodes(answer[0]["Plan"]) if "Relation Name" in node]
    assert [node["Node Type"] for node in read] == ["Index Scan"]
    assert "org_id = 'clinic-1'" in read[0]["Index Cond"]
    assert f"{time} >=" in read[0]["Index Cond"]
