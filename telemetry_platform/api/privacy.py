"""The routes under `/v1/privacy`: consent decisions, the state of the exclusion list, erasures.

Each group is a module of its own with `router(guarded)`; this one only gathers them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from telemetry_platform.api import access_routes, consent_routes, erasure_routes, exclusion_routes

if TYPE_CHECKING:
    from telemetry_platform.api.guarded import Guarded


def router(guarded: Guarded) -> APIRouter:
    """All of them."""
    routes = APIRouter(tags=["privacy"])
    for group in (consent_routes, exclusion_routes, erasure_routes, access_routes):
        routes.include_router(group.router(guarded))
    return routes
