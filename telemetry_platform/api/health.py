"""Health and metrics for operations: alive, ready with each part named, and the counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from telemetry_platform.api.metrics import CONTENT_TYPE
from telemetry_platform.errors import PlatformError
from telemetry_platform.stores.redis_channel import pack

if TYPE_CHECKING:
    from telemetry_platform.api.metrics import ApiMetrics
    from telemetry_platform.stores.queue_room import QueueRoom
    from telemetry_platform.stores.redis_channel import RedisChannel
    from telemetry_platform.usecases.exclusion_list import ExclusionHolder
    from telemetry_platform.usecases.key_list import KeyList
    from telemetry_platform.usecases.subject_list import SubjectList

_PING = pack(b"PING")


class Check(BaseModel):
    """One part that this process depends on."""

    ok: bool
    detail: str = Field(description="what was seen, and what to do when it is not ok")


class Readiness(BaseModel):
    """Whether this process can take events, and what stands in the way."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, Check]


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


@dataclass(frozen=True)
class Parts:
    """What readiness looks at."""

    channel: RedisChannel
    keys: KeyList
    room: QueueRoom
    metrics: ApiMetrics
    subjects: SubjectList
    exclusions: ExclusionHolder

    async def redis(self) -> Check:
        """Whether Redis answers now."""
        try:
            await self.channel.send(_PING, 1)
        except PlatformError as error:
            return Check(ok=False, detail=str(error))
        return Check(ok=True, detail="answers")

    def key_list(self) -> Check:
        """Whether the key list is young enough to hash with."""
        age = self.keys.age()
        if age is None:
            return Check(ok=False, detail="never read: check TELEMETRY_POSTGRES__URL and run `telemetry schema apply`")
        try:
            self.keys.ring()
        except PlatformError as error:
            return Check(ok=False, detail=f"read {age:.0f} s ago: {error}")
        return Check(ok=True, detail=f"read {age:.0f} s ago")

    async def decisions(self) -> Check:
        """Whether it is known what persons decided: an emptied Redis would read as if nobody had."""
        try:
            upto = await self.subjects.look()
        except PlatformError as error:
            return Check(ok=False, detail=str(error))
        if upto is None:
            detail = "Redis does not hold what persons decided: it is copied from PostgreSQL when that answers"
            return Check(ok=False, detail=detail)
        return Check(ok=True, detail="Redis holds them all")

    def exclusion_list(self) -> Check:
        """Whether it can be said who is excluded; how old the list is, is a check of Dagster's."""
        if not self.exclusions.is_loaded:
            detail = "none was loaded yet, so only security and audit are taken: run `telemetry exclusions sync --full`"
            return Check(ok=False, detail=detail)
        age = self.exclusions.age()
        seen = "the copy on disk" if age is None else f"asked for a newer one {age:.0f} s ago"
        return Check(ok=True, detail=f"{self.exclusions.count} networks; {seen}")

    def queue(self) -> Check:
        """Whether the queue has room for events."""
        fill = self.room.fill
        if fill is None:
            return Check(
                ok=False,
                detail="how much the queue may hold is not known (yet): the server must be reachable and state its "
                "maxmemory, or set TELEMETRY_REDIS__MAXMEMORY_BYTES",
            )
        # One kind at its cap is no reason to send everybody else away.
        full = "".join(f"; no room for {kind}" for kind in self.room.full_kinds())
        return Check(ok=fill < self.room.max_fill, detail=f"{fill:.0%} of {self.room.max_fill:.0%} filled{full}")


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/health/live", summary="The process answers")
    async def live() -> Liveness:
        return Liveness()

    @routes.get(
        "/health/ready",
        summary="Each part that taking events needs",
        responses={503: {"model": Readiness, "description": "not ready: the checks say why"}},
    )
    async def ready(response: Response) -> Readiness:
        checks = {
            "redis": await parts.redis(),
            "key_list": parts.key_list(),
            "queue_room": parts.queue(),
            "decisions": await parts.decisions(),
            "exclusions": parts.exclusion_list(),
        }
        all_ok = all(check.ok for check in checks.values())
        response.status_code = 200 if all_ok else 503
        return Readiness(status="ready" if all_ok else "not_ready", checks=checks)

    @routes.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        parts.metrics.queue_fill.set(parts.room.fill or 0.0)
        parts.metrics.subjects_complete.set(1.0 if parts.subjects.is_complete else 0.0)
        parts.metrics.exclusions_loaded.set(1.0 if parts.exclusions.is_loaded else 0.0)
        parts.metrics.excluded_networks.set(parts.exclusions.count)
        parts.metrics.exclusions_age.set(parts.exclusions.age() or 0.0)
        parts.metrics.key_list_age.set(parts.keys.age() or 0.0)
        return Response(parts.metrics.text(), media_type=CONTENT_TYPE)

    return routes
