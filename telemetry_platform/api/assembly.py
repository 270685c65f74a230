"""What an app is made of: each part once, made from the settings, and who is given which.

Invariant: nothing here connects to anything; what must be opened, is when the app starts.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.api import health
from telemetry_platform.api.compliance import Doors
from telemetry_platform.api.front import say
from telemetry_platform.api.keeper import Kept
from telemetry_platform.api.key_source import key_source
from telemetry_platform.api.metrics import ApiMetrics
from telemetry_platform.api.rate_limits import AnonymousLimits
from telemetry_platform.api.tokens import TokenVerifier
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.stores import postgres
from telemetry_platform.stores.landing_producer import LandingProducer
from telemetry_platform.stores.queue_room import QueueRoom
from telemetry_platform.stores.redis import TIMEOUT_SECONDS, address
from telemetry_platform.stores.redis_channel import RedisChannel
from telemetry_platform.stores.session_pins import SessionPins
from telemetry_platform.stores.token_places import TokenPlaces
from telemetry_platform.usecases.accept_events import Landing
from telemetry_platform.usecases.exclusion_list import ExclusionHolder
from telemetry_platform.usecases.key_list import KeyList
from telemetry_platform.usecases.opt_outs import OptOuts
from telemetry_platform.usecases.restored import refuse_restored_postgres
from telemetry_platform.usecases.subject_list import SubjectList
from telemetry_platform.usecases.token_watch import TokenWatch
from telemetry_platform.usecases.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg_pool import ConnectionPool

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class Parts:
    """Of one app."""

    doors: Doors
    landing: Landing
    kept: Kept
    health: health.Parts
    metrics: ApiMetrics
    pool: ConnectionPool[Connection]


def assemble(settings: Settings, clock: Callable[[], int]) -> Parts:
    """All of them. Raises ConfigurationError when tokens cannot be verified with the settings."""
    metrics = ApiMetrics()
    channel = RedisChannel(address(settings.redis), TIMEOUT_SECONDS)
    room = QueueRoom(channel, settings.redis, kinds())
    keys = KeyList(
        settings.postgres,
        settings.keys,
        time.monotonic,
        lambda connection: refuse_restored_postgres(connection, settings, datetime.fromtimestamp(clock() / 1000, UTC)),
    )
    source, loopback_only = key_source(settings.api)
    pool = postgres.pool(settings.postgres, application="telemetry-api")
    subjects = SubjectList(channel, pool, clock, say)
    excluded = ExclusionHolder(pool, settings.exclusions, time.monotonic, say)
    base = settings.api.producer or "api"

    def producer() -> LandingProducer:
        # A name is used by one process once: a restarted one that counted from 1 again would look like a gap.
        return LandingProducer(channel, lambda: f"{base}-{secrets.token_hex(6)}")

    # What the API notices by itself has a producer of its own: its failures rename no request's.
    watch = Watch(producer(), room, settings.redis.shards, now_ms=clock, new_id=uuid4, lost=metrics.unrecorded)
    tokens = TokenWatch(watch, TokenPlaces(channel, secrets.token_bytes))
    doors = Doors(
        TokenVerifier(source, settings.api.token, time.time),
        settings.api.trusted_proxies,
        excluded,
        loopback_only,
        settings.api.anonymous_org_id,
        AnonymousLimits(channel, settings.api, secrets.token_bytes),
        keys,
        subjects,
        OptOuts(pool, subjects, time.monotonic, say),
        watch,
        tokens,
    )
    landing = Landing(producer(), SessionPins(channel), room, settings.redis.shards, subjects)
    return Parts(
        doors,
        landing,
        Kept(keys, room, channel, source, subjects, excluded, watch, tokens),
        health.Parts(channel, keys, room, metrics, subjects, excluded),
        metrics,
        pool,
    )
