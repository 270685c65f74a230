"""The HTTP front door: settings in, an ASGI app out.

`uvicorn --factory telemetry_platform.api.app:create_app`, or better `python -m telemetry_platform.api`, which sets the
server's options. Invariant: routes that take events are made from the registry; a new kind with an endpoint needs no
line here.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import uuid4

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from telemetry_platform import settings as settings_module
from telemetry_platform.api import (
    audit_routes,
    docs,
    health,
    privacy,
    problems,
    security_routes,
    session_routes,
    stats_routes,
)
from telemetry_platform.api.assembly import assemble
from telemetry_platform.api.events_endpoint import EventsEndpoint
from telemetry_platform.api.front import Front
from telemetry_platform.api.guarded import Guarded, problem_handler
from telemetry_platform.api.keeper import kept
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.support import pages
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.logs import guard
from telemetry_platform.processing.paths import PathReducer
from telemetry_platform.stores.warehouse import LastingWarehouse
from telemetry_platform.usecases.accept_events import EventAcceptor
from telemetry_platform.usecases.accept_frames import FrameAcceptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from starlette.requests import Request

    from telemetry_platform.api.assembly import Parts
    from telemetry_platform.api.metrics import ApiMetrics
    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.settings import Settings


def create_app(settings: Settings | None = None, now_ms: Callable[[], int] | None = None) -> FastAPI:
    """The app. Raises ConfigurationError when tokens cannot be verified with the settings.

    `now_ms` is the server's clock in milliseconds since 1970; tests give their own.
    """
    guard()
    given = settings or settings_module.load()
    clock = now_ms or (lambda: time.time_ns() // 1_000_000)
    parts = assemble(given, clock)
    # Connected when somebody asks for figures: events are taken whether or not ClickHouse answers.
    warehouse = LastingWarehouse(given.clickhouse, log_comment="statistics")
    guarded = Guarded(parts.doors, parts.kept.keys, parts.pool, clock, given, parts.kept.channel, warehouse)
    app = FastAPI(
        title="Telemetry",
        version=version("telemetry-platform"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect would name whatever host the request claims to be for, and lose the body of a POST on the way.
        redirect_slashes=False,
        lifespan=lambda _: _lifespan(parts, given, warehouse),
        middleware=_middleware(given, parts.metrics),
        exception_handlers={
            HTTPException: _problem,
            RequestValidationError: _problem,
            ProblemError: problem_handler(guarded),
        },
    )
    posted = [kind for kind in kinds().values() if kind.endpoint is not None]
    app.router.routes.extend(_event_routes(posted, parts, given, clock))
    app.include_router(health.router(parts.health))
    # Statistics before sessions: their path would be taken for a session's id.
    for group in (privacy, audit_routes, security_routes, stats_routes, session_routes, pages):
        app.include_router(group.router(guarded))
    docs.add(app, posted, clock)
    return app


@asynccontextmanager
async def _lifespan(parts: Parts, settings: Settings, warehouse: LastingWarehouse) -> AsyncIterator[None]:
    # Without waiting: a database that does not answer yet is told to whoever asks for it.
    parts.pool.open(wait=False)
    try:
        async with kept(parts.kept, settings):
            yield
    finally:
        await asyncio.to_thread(parts.pool.close)
        await asyncio.to_thread(warehouse.close)


def _event_routes(
    posted: Sequence[EventKind], parts: Parts, settings: Settings, clock: Callable[[], int]
) -> Iterator[Route]:
    """One for each kind that is posted."""
    reduced_path = PathReducer(settings.api.path_segments)
    for kind in posted:
        assert kind.endpoint is not None  # noqa: S101 - narrows the type; the caller has filtered
        acceptor_of = EventAcceptor if kind.frames is None else FrameAcceptor
        endpoint = EventsEndpoint(
            kind.endpoint,
            acceptor_of(kind, parts.landing, uuid4, reduced_path),
            parts.doors,
            parts.kept.keys,
            parts.metrics,
            clock,
            max_body_bytes=settings.api.max_body_bytes,
            max_events=settings.api.max_batch_events,
        )
        yield Route(kind.endpoint.path, endpoint, methods=["POST"])


def _middleware(settings: Settings, metrics: ApiMetrics) -> list[Middleware]:
    """From the outside in."""
    found = [Middleware(Front, metrics=metrics)]
    if settings.api.cors_origins:
        found.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.api.cors_origins),
                allow_methods=["GET", "POST", "PUT"],
                allow_headers=["Authorization", "Content-Type", "X-Consent-Level", "Sec-GPC"],
                expose_headers=["Retry-After"],
                max_age=600,
            )
        )
    return found


async def _problem(_: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses (no such route, wrong method), as a problem document without its words."""
    status = error.status_code if isinstance(error, HTTPException) else 422
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "refused")
    body = problems.document(status, code, "see /docs for what there is")
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return JSONResponse(body, status, headers, problems.MEDIA_TYPE)
