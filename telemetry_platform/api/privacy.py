"""The routes under `/v1/privacy`: consent decisions, the state of the exclusion list, erasures.

Each group is a module of its own with `router(guarded)`; this one only gathers them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from telemetry_platform.api.guarded import Guarded


def router(guarded: Guarded) -> APIRouter:  # noqa: ARG001 - what each group is made with
    """All of them."""
    return APIRouter(tags=["privacy"])
