"""All kinds and tables there are, found by listing `contracts/events/`: adding a file there is all it takes."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from telemetry_platform.contracts import events
from telemetry_platform.contracts.event_kind import EventKind, Store, Table

if TYPE_CHECKING:
    from collections.abc import Mapping


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, EventKind]:
    """Every kind by its name. Raises TypeError when two kinds share a name or a table, or a file has no KIND."""
    found: dict[str, EventKind] = {}
    for module_info in sorted(pkgutil.iter_modules(events.__path__), key=lambda info: info.name):
        kind = getattr(importlib.import_module(f"{events.__name__}.{module_info.name}"), "KIND", None)
        if not isinstance(kind, EventKind):
            raise TypeError(f"contracts/events/{module_info.name}.py must define KIND, an EventKind")
        if kind.name in found or any(kind.table.name == other.table.name for other in found.values()):
            raise TypeError(f"contracts/events/{module_info.name}.py: the name or table of {kind.name} is taken")
        found[kind.name] = kind
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def tables() -> Mapping[str, Table]:
    """Every table that entries land in or that is folded from one, by its name."""
    return MappingProxyType(
        {table.name: table for kind in kinds().values() for table in (kind.table, *kind.derived)},
    )


def kinds_in(store: Store) -> tuple[EventKind, ...]:
    """The kinds whose table lives in `store`, in the order of their names."""
    return tuple(kind for kind in kinds().values() if kind.store is store)
