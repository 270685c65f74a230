"""All views that analysts read, found by listing `contracts/views/`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from telemetry_platform.contracts import views as declared
from telemetry_platform.contracts.rollup_registry import rollups
from telemetry_platform.contracts.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping


@lru_cache(maxsize=1)
def views() -> Mapping[str, View]:
    """Every view by its name. Raises TypeError when a file has no VIEWS, a name is taken, or a source is no rollup."""
    found: dict[str, View] = {}
    for module_info in sorted(pkgutil.iter_modules(declared.__path__), key=lambda info: info.name):
        pair = getattr(importlib.import_module(f"{declared.__name__}.{module_info.name}"), "VIEWS", ())
        if not pair or not all(isinstance(view, View) for view in pair):
            raise TypeError(f"contracts/views/{module_info.name}.py must define VIEWS, a tuple of View")
        for view in pair:
            if view.name in found or view.name in rollups() or view.source not in rollups():
                raise TypeError(f"contracts/views/{module_info.name}.py: {view.name} is taken, or its source no rollup")
            found[view.name] = view
    return MappingProxyType(found)
