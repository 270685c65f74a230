"""Entries in the queue as the API makes them: through the real acceptor, with real keys, without HTTP.

Invariant: nothing is built by hand that the API would build, so that what is drained has the columns, the lengths and
the mixture of the posted kind.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.api.front import say
from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.gate import permission
from telemetry_platform.processing.paths import PathReducer
from telemetry_platform.stores import postgres
from telemetry_platform.stores.landing_producer import LandingProducer
from telemetry_platform.stores.queue_room import QueueRoom
from telemetry_platform.stores.redis import TIMEOUT_SECONDS, address
from telemetry_platform.stores.redis_channel import RedisChannel
from telemetry_platform.stores.session_pins import SessionPins
from telemetry_platform.usecases.accept_events import EventAcceptor, Landing
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.request_entries import Origin, Submission
from telemetry_platform.usecases.subject_list import SubjectList

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.settings import Settings

PER_VISIT = 10
PER_REPORT = 100
_ORGS = 20
_ROUTES = (
    ("POST", "/v1/auth/session"),
    ("GET", "/v1/patients/{patient_id}/plan"),
    ("GET", "/v1/plans/{plan_id}/exercises"),
    ("GET", "/v1/exercises/{exercise_id}"),
    ("GET", "/v1/media/{media_id}/manifest"),
    ("PUT", "/v1/diary/{day}"),
    ("GET", "/v1/messages"),
)
_AGENTS = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
)
_PAGES = ("/home", "/exercises", "/diary", "/messages", "/settings/privacy")


@dataclass(frozen=True)
class Request:
    """Events of one request, and who sends them from where."""

    origin: Origin
    actor_type: str
    events: list[dict[str, Any]]


def analytics(rng: random.Random, count: int, now: datetime) -> Iterator[Request]:
    """Visits of ten events each; one in three carries no session, as with a client that makes none."""
    for number in range(count // PER_VISIT):
        agent, net = rng.choice(_AGENTS), f"203.0.{rng.randrange(256)}.0"
        origin = Origin(f"clinic-{rng.randrange(_ORGS)}", f"patient-{rng.randrange(count)}", net, agent)
        session = {} if number % 3 == 0 else {"session_id": _uuid(rng)}
        began = now - timedelta(seconds=rng.randrange(600, 80_000))
        events = [_use(rng, began + timedelta(seconds=8 * place)) | session for place in range(PER_VISIT)]
        yield Request(origin, "patient", events)


def _use(rng: random.Random, at: datetime) -> dict[str, Any]:
    route = rng.choice(_PAGES)
    event = {"event_id": _uuid(rng), "timestamp": _text(at), "kind": "page_view", "route": route}
    chance = rng.random()
    if chance < 0.5:
        return event | ({"referrer_host": "clinic.example.org"} if chance < 0.1 else {})
    if chance < 0.85:
        return event | {"kind": "click", "element": f"button_{rng.randrange(30)}", "feature": "video_player"}
    properties = {"pain": rng.randrange(11), "better": rng.random() < 0.6, "note": "after the third set"}
    return event | {"kind": "feature_use", "feature": "exercise_diary", "properties": properties}


def api_metrics(rng: random.Random, count: int, now: datetime) -> Iterator[Request]:
    """Reports of a hundred answered requests each, all of one tenant, none with a session."""
    for _ in range(count // PER_REPORT):
        origin = Origin(f"clinic-{rng.randrange(_ORGS)}", "core", None, "core/1.0")
        yield Request(origin, "service", [_answered(rng, now) for _ in range(PER_REPORT)])


def _answered(rng: random.Random, now: datetime) -> dict[str, Any]:
    method, route = rng.choice(_ROUTES)
    event = {
        "event_id": _uuid(rng),
        "timestamp": _text(now - timedelta(seconds=rng.randrange(80_000))),
        "method": method,
        "route": route,
        "status_code": rng.choices((200, 404, 401, 500), (95, 2, 1, 2))[0],
        "duration_ms": round(40 * rng.lognormvariate(0, 0.5), 3),
        "response_bytes": rng.randrange(200, 40_000),
        "instance": f"core-{rng.randrange(3)}",
    }
    return event if method == "GET" else event | {"request_bytes": rng.randrange(80, 4_000)}


LOADS: dict[str, Callable[[random.Random, int, datetime], Iterator[Request]]] = {
    "analytics": analytics,
    "api_metrics": api_metrics,
}


def fill_queue(settings: Settings, kind: str, rng: random.Random, count: int) -> int:
    """Accept so many events of the kind; how many were kept. Raises ValueError when any was not."""
    return asyncio.run(_fill(settings, kinds()[kind], rng, count))


async def _fill(settings: Settings, kind: EventKind, rng: random.Random, count: int) -> int:
    with postgres.connect(settings.postgres, application="telemetry-bench") as connection:
        ring = load_key_ring(connection, settings.keys)
    channel = RedisChannel(address(settings.redis), TIMEOUT_SECONDS)
    name = f"bench-{_uuid(rng)}"
    landing = Landing(
        LandingProducer(channel, lambda: name),
        SessionPins(channel),
        QueueRoom(channel, settings.redis, kinds()),
        settings.redis.shards,
        # Never opened: none of these kinds names a person who would be asked for.
        SubjectList(channel, postgres.pool(settings.postgres), lambda: int(datetime.now(UTC).timestamp() * 1000), say),
    )
    reduced_path = PathReducer(settings.api.path_segments)
    acceptor = EventAcceptor(kind, landing, lambda: uuid.UUID(_uuid(rng)), reduced_path)
    allowed = permission(ConsentLevel.FULL, gpc=False, excluded=False)
    path = kind.endpoint.path if kind.endpoint is not None else ""
    now = datetime.now(UTC)
    kept = 0
    try:
        for request in LOADS[kind.name](rng, count, now):
            received_at = int(now.timestamp() * 1000)
            given = Submission(request.origin, request.actor_type, allowed, "POST", path, received_at, "")
            accepted = await acceptor.accept(given, request.events, ring, may_need_repair=False)
            kept += accepted.counts["accepted", ""]
    finally:
        await channel.close()
    if kept != count:
        raise ValueError(f"{count} events of {kind.name}, {kept} accepted: nothing to compare")
    return kept


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
