"""All rollups there are, found by listing `contracts/rollups/`, and every table of the warehouse that is kept."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from telemetry_platform.contracts import rollups as declared
from telemetry_platform.contracts.registry import tables
from telemetry_platform.contracts.rollup import Rollup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.contracts.event_kind import Table


@lru_cache(maxsize=1)
def rollups() -> Mapping[str, Rollup]:
    """Every rollup by its name. Raises TypeError when a file has no ROLLUP, or a name or a base is wrong."""
    found: dict[str, Rollup] = {}
    for module_info in sorted(pkgutil.iter_modules(declared.__path__), key=lambda info: info.name):
        rollup = getattr(importlib.import_module(f"{declared.__name__}.{module_info.name}"), "ROLLUP", None)
        if not isinstance(rollup, Rollup) or rollup.name != module_info.name:
            raise TypeError(f"contracts/rollups/{module_info.name}.py must define ROLLUP, a Rollup of that name")
        if rollup.name in tables() or rollup.base not in tables():
            raise TypeError(f"contracts/rollups/{module_info.name}.py: its name is taken, or its base is no table")
        found[rollup.name] = rollup
    return MappingProxyType(found)


def of_base(table_name: str) -> tuple[Rollup, ...]:
    """The rollups that follow a table's days."""
    return tuple(rollup for rollup in rollups().values() if rollup.base == table_name)


@lru_cache(maxsize=1)
def kept_tables() -> Mapping[str, Table]:
    """Tables that entries land in, tables folded from them, and rollups: whatever retention and erasure look at."""
    return MappingProxyType({**tables(), **{rollup.name: rollup.table for rollup in rollups().values()}})
