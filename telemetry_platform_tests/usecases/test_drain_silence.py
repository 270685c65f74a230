"""What silence means is derived before a drain that ends when it is idle ends: nobody waits for the next one."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.stores import redis
from telemetry_platform.usecases.fold_sessions import SESSIONS_A_STATEMENT
from telemetry_platform_tests.usecases.landing import an_id, drain_all, looking, media_entry, milliseconds, quick

if TYPE_CHECKING:
    from telemetry_platform.contracts.landing import LandingEntry
    from telemetry_platform.settings import Settings


def arrive(settings: Settings, *entries: LandingEntry) -> None:
    """Add entries as if they had come into the stream when they were received."""
    stream = stream_name("media", 0)
    with redis.connect(settings.redis) as client:
        pipe = client.pipeline(transaction=False)
        for each in sorted(entries, key=lambda each: each.received_at):
            pipe.xadd(stream, asdict(each), id=f"{each.received_at}-*")
        pipe.execute()


def seconds_ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def view(name: str, silent_for: float, last: str = "heartbeat", **data: object) -> list[LandingEntry]:
    """A view that began ten seconds before its last event."""
    end, session = seconds_ago(silent_for), an_id("view", name)
    return [
        media_entry(session, "session_start", end - timedelta(seconds=10), an_id(name, "start")),
        media_entry(session, "play", end - timedelta(seconds=9), an_id(name, "play"), position_seconds=0.0),
        media_entry(session, last, end, an_id(name, last, milliseconds(end)), position_seconds=9.0, **data),
    ]


def states(settings: Settings) -> dict[str, str]:
    """The state of each view, by its session."""
    with looking(settings) as (warehouse, _):
        rows = warehouse.client.query("SELECT toString(session_id), state FROM media_sessions_current")
        return dict(map(tuple, rows))


def test_silence_is_derived_within_one_drain_until_idle(platform: Settings) -> None:
    settings = quick(platform)
    arrive(
        settings,
        *view("asleep", 120),
        *view("paused", 120, "pause"),
        *view("left", 31 * 60, "pause"),
        *view("ended", 120, "session_end", reason="completed"),
    )
    drain_all(settings)
    expected = {"asleep": "abandoned", "paused": "paused", "left": "abandoned", "ended": "completed"}
    assert states(settings) == {an_id("view", name): state for name, state in expected.items()}
    # A later event revokes it, and who has just been heard of is not silent.
    later = media_entry(an_id("view", "asleep"), "heartbeat", seconds_ago(0), position_seconds=19.0)
    arrive(settings, *view("awake", 20), later)
    drain_all(settings)
    expected |= {"asleep": "active", "awake": "active"}
    assert states(settings) == {an_id("view", name): state for name, state in expected.items()}


def test_more_silent_sessions_than_one_statement_folds(platform: Settings) -> None:
    settings, moment = quick(platform), seconds_ago(120)
    sessions = SESSIONS_A_STATEMENT + 100
    arrive(settings, *(media_entry(an_id("many", n), "play", moment, an_id("play", n)) for n in range(sessions)))
    drain_all(settings)
    found = list(states(settings).values())
    assert (len(found), set(found)) == (sessions, {"abandoned"})
