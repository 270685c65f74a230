"""A warehouse on a fresh ClickHouse database, for the tests of the fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from telemetry_platform.stores.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings


@pytest.fixture(scope="module")
def warehouse(module_platform: Settings) -> Iterator[Warehouse]:
    """The tables and views of the schema, empty at the start of the module; tests use sessions of their own."""
    with open_warehouse(module_platform.clickhouse, log_comment="tests") as opened:
        yield opened
