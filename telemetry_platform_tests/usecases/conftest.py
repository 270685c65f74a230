"""A warehouse on fresh databases for the tests of the fold, and stores and days of their own for those of rollups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from telemetry_platform.stores.warehouse import Warehouse, open_warehouse
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform_tests.usecases.rollup_making import a_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from telemetry_platform.settings import Settings
    from telemetry_platform.usecases.drain.stores import DrainStores


@pytest.fixture(scope="module")
def warehouse(module_platform: Settings) -> Iterator[Warehouse]:
    """The tables and views of the schema, empty at the start of the module; tests use sessions of their own."""
    with open_warehouse(module_platform.clickhouse, log_comment="tests") as opened:
        yield opened


@pytest.fixture(scope="module")
def stores(module_platform: Settings) -> Iterator[DrainStores]:
    """Stores on fresh databases; each test uses days of its own."""
    with open_stores(module_platform, log_comment="tests") as opened:
        yield opened


@pytest.fixture
def day() -> date:
    """A day that no other test writes to."""
    return a_day()
