"""The HTTP front door: settings in, an ASGI app out.

`uvicorn --factory telemetry_platform.api.app:create_app`, or better `python -m telemetry_platform.api`, which sets the
server's options. Invariant: routes that take events are made from the registry; a new kind with an endpoint needs no
line here.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
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
from telemetry_platform.api import docs, health, privacy, problems
from telemetry_platform.api.compliance import Doors
from telemetry_platform.api.events_endpoint import EventsEndpoint
from telemetry_platform.api.front import Front, say
from telemetry_platform.api.guarded import Guarded, problem_response
from telemetry_platform.api.keeper import Kept, kept
from telemetry_platform.api.key_source import key_source
from telemetry_platform.api.metrics import ApiMetrics
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.rate_limits import AnonymousLimits
from telemetry_platform.api.tokens import TokenVerifier
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.logs import guard
from telemetry_platform.processing.paths import PathReducer
from telemetry_platform.stores import postgres
from telemetry_platform.stores.landing_producer import LandingProducer
from telemetry_platform.stores.queue_room import QueueRoom
from telemetry_platform.stores.redis import TIMEOUT_SECONDS, address
from telemetry_platform.stores.redis_channel import RedisChannel
from telemetry_platform.stores.session_pins import SessionPins
from telemetry_platform.usecases.accept_events import EventAcceptor, Landing
from telemetry_platform.usecases.accept_frames import FrameAcceptor
from telemetry_platform.usecases.exclusion_list import ExclusionHolder
from telemetry_platform.usecases.key_list import KeyList
from telemetry_platform.usecases.opt_outs import OptOuts
from telemetry_platform.usecases.restored import refuse_restored_postgres
from telemetry_platform.usecases.subject_list import SubjectList

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from telemetry_platform.settings import Settings


def create_app(settings: Settings | None = None, now_ms: Callable[[], int] | None = None) -> FastAPI:
    """The app. Raises ConfigurationError when tokens cannot be verified with the settings.

    `now_ms` is the server's clock in milliseconds since 1970; tests give their own.
    """
    guard()
    given = settings or settings_module.load()
    clock = now_ms or (lambda: time.time_ns() // 1_000_000)
    metrics = ApiMetrics()
    channel = RedisChannel(address(given.redis), TIMEOUT_SECONDS)
    room = QueueRoom(channel, given.redis, kinds())
    keys = KeyList(
        given.postgres,
        given.keys,
        time.monotonic,
        lambda connection: refuse_restored_postgres(connection, given, datetime.fromtimestamp(clock() / 1000, UTC)),
    )
    source, loopback_only = key_source(given.api)
    pool = postgres.pool(given.postgres, application="telemetry-api")
    subjects = SubjectList(channel, pool, clock)
    held = ExclusionHolder(pool, given.exclusions, time.monotonic, say)
    doors = Doors(
        TokenVerifier(source, given.api.token, time.time),
        given.api.trusted_proxies,
        held,
        loopback_only,
        given.api.anonymous_org_id,
        AnonymousLimits(channel, given.api, secrets.token_bytes),
        keys,
        subjects,
        OptOuts(pool, subjects, time.monotonic, say),
    )
    reduced_path = PathReducer(given.api.path_segments)
    base = given.api.producer or "api"
    # A name is used by one process once: a restarted one that counted from 1 again would look like a gap.
    producer = LandingProducer(channel, lambda: f"{base}-{secrets.token_hex(6)}")
    landing = Landing(producer, SessionPins(channel), room, given.redis.shards)
    parts = Kept(keys, room, channel, source, subjects, held)
    guarded = Guarded(doors, keys, pool, clock, given)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Without waiting: a database that does not answer yet is told to whoever asks for it.
        pool.open(wait=False)
        try:
            async with kept(parts, given):
                yield
        finally:
            await asyncio.to_thread(pool.close)

    app = FastAPI(
        title="Telemetry",
        version=version("telemetry-platform"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect would name whatever host the request claims to be for, and lose the body of a POST on the way.
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=_middleware(given, metrics),
        exception_handlers={
            HTTPException: _problem,
            RequestValidationError: _problem,
            ProblemError: problem_response,
        },
    )
    posted = [kind for kind in kinds().values() if kind.endpoint is not None]
    for kind in posted:
        assert kind.endpoint is not None  # noqa: S101 - narrows the type; filtered above
        acceptor_of = EventAcceptor if kind.frames is None else FrameAcceptor
        endpoint = EventsEndpoint(
            kind.endpoint,
            acceptor_of(kind, landing, uuid4, reduced_path),
            doors,
            keys,
            metrics,
            clock,
            max_body_bytes=given.api.max_body_bytes,
            max_events=given.api.max_batch_events,
        )
        app.router.routes.append(Route(kind.endpoint.path, endpoint, methods=["POST"]))
    app.include_router(health.router(health.Parts(channel, keys, room, metrics, subjects, held)))
    app.include_router(privacy.router(guarded))
    docs.add(app, posted, clock)
    return app


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
