"""Whether the list of excluded networks is up to date, for compliance.

Invariant: the answer counts and dates; it names no network, and repeats nothing that another server said.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation when the route is made

from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.exclusions import Age, SyncMode, SyncStatus
from telemetry_platform.usecases.exclusion_status import exclusion_status

if TYPE_CHECKING:
    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.stores.exclusions import SyncRow
    from telemetry_platform.usecases.exclusion_status import ExclusionStatus

PATH = "/v1/privacy/exclusions/status"
_ROLES = frozenset({Role.COMPLIANCE})
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"description": "no valid token"},
    403: {"description": "the token has not the role compliance"},
    503: {"description": "PostgreSQL does not answer: try again"},
}


class Sync(BaseModel):
    """One try to bring the list up to date."""

    sync_id: Annotated[int, Field(description="number in the log of the syncs")]
    mode: Annotated[SyncMode, Field(description="full: all of the list; delta: what was published since")]
    status: Annotated[SyncStatus, Field(description="how it ended; all but succeeded leave the list as it was")]
    began_at: Annotated[datetime, Field(description="when it began")]
    ended_at: Annotated[datetime | None, Field(description="when it ended; null while it runs")]
    http_status: Annotated[int | None, Field(description="the service's last answer; null when there was none")]
    error_code: Annotated[str | None, Field(description="the documented code of a refusal")]
    added: Annotated[int, Field(description="networks that came into force")]
    withdrawn: Annotated[int, Field(description="networks that ended")]
    refused: Annotated[int, Field(description="entries that should exclude somebody and do not")]
    ignored: Annotated[int, Field(description="entries of types that are not known")]
    accept_shrink: Annotated[bool, Field(description="whether somebody said that a much smaller list is a true one")]
    warnings: Annotated[dict[str, int], Field(description="what was noticed about entries: how many of each kind")]


class ExclusionState(BaseModel):
    """The state of the list."""

    state: Annotated[Age, Field(description="by the age of the last full sync: fresh, late (8 days), stale (14 days)")]
    active: Annotated[int, Field(description="networks in force")]
    age_seconds: Annotated[float | None, Field(description="seconds since the last full sync that succeeded")]
    last_full: Annotated[Sync | None, Field(description="the last full sync that succeeded")]
    last_delta: Annotated[Sync | None, Field(description="the last delta that succeeded")]
    problems: Annotated[list[Sync], Field(description="the newest tries that failed, the newest first")]
    loaded_here: Annotated[bool, Field(description="whether the process that answers has a list")]
    networks_here: Annotated[int, Field(description="networks in the list of the process that answers")]


def router(guarded: Guarded) -> APIRouter:
    """The route."""
    routes = APIRouter()

    @routes.get(
        PATH,
        summary="Whether the list of excluded networks is up to date",
        description="How old the list is, how much is in force, and the newest problems. Role: compliance.",
        responses=_PROBLEMS,
        openapi_extra={"security": [{"token": []}]},
    )
    async def status(request: Request) -> ExclusionState:
        await guarded.caller(request, _ROLES)
        now = datetime.fromtimestamp(guarded.now_ms() / 1000, UTC)
        found = await guarded.work(lambda connection: exclusion_status(connection, now))
        return _state(found, guarded)

    return routes


def _state(found: ExclusionStatus, guarded: Guarded) -> ExclusionState:
    held = guarded.doors.exclusions
    return ExclusionState(
        state=found.freshness.state,
        active=found.active,
        age_seconds=found.freshness.seconds,
        last_full=_sync(found.last_full),
        last_delta=_sync(found.last_delta),
        problems=[sync for sync in map(_sync, found.problems) if sync is not None],
        loaded_here=held.is_loaded,
        networks_here=held.count,
    )


def _sync(row: SyncRow | None) -> Sync | None:
    return None if row is None else Sync.model_validate(row, from_attributes=True)
