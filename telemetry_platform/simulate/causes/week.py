"""Days of sessions with known causes: who watches when, and what their browsers and our API send of it.

Invariant: a week follows from (seed, sessions, begin) alone. The truth stays here: no event carries it. Disturbances of
our API are episodes of a tenant, in which every session suffers them; sessions with another cause lie outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from telemetry_platform.simulate.catalogue import CATALOGUE
from telemetry_platform.simulate.causes.conditions import CAUSES, Conditions, around, draw, healthy_api_ms
from telemetry_platform.simulate.causes.playback import Playback, Said
from telemetry_platform.simulate.chance import chance, happens, one_of
from telemetry_platform.simulate.devices import choose_device
from telemetry_platform.simulate.events import Outgoing, Request
from telemetry_platform.simulate.people import ORGANISATIONS, Clock
from telemetry_platform.simulate.places import choose_place
from telemetry_platform.simulate.senders import Service
from telemetry_platform.simulate.story import MAX_DAYS, Story

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from random import Random

    from telemetry_platform.simulate.devices import Device

_OUR_API = "our_api"
_EPISODES = 3
_EPISODE = timedelta(minutes=50)
_APART = timedelta(minutes=20)
_LONGEST = timedelta(minutes=30)
_OTHERS = 8
"""Requests of other patients of the tenant within some minutes of a session's beginning."""
_AT_ONCE = 100


@dataclass(frozen=True)
class Browser:
    """Who sends: a patient with one device, who agreed to analytics."""

    user_id: str
    org_id: str
    device: Device
    address: str
    clock: Clock = field(default_factory=lambda: Clock(says_when_sent=True))
    roles: tuple[str, ...] = ("patient",)
    purposes: tuple[str, ...] = ()

    @property
    def max_touch_points(self) -> int | None:
        """What the browser says of its screen."""
        return self.device.max_touch_points

    def headers(self, session_number: int) -> Mapping[str, str]:  # noqa: ARG002 - one session each
        """What stands beside the event."""
        return {"User-Agent": self.device.user_agent, "X-Forwarded-For": self.address, "X-Consent-Level": "2"}


@dataclass(frozen=True)
class CausedSession:
    """One session, its true cause, and the events that left the browser."""

    session_id: UUID
    org_id: str
    cause: str
    began_at: datetime
    story: Story
    api: tuple[Outgoing, ...]


def tell_week(seed: int, *, sessions: int, begin: datetime, days: int = MAX_DAYS) -> list[CausedSession]:
    """So many sessions over the days from `begin` on."""
    episodes = {
        org_id: [
            begin + (days - 1) * timedelta(days=1) * share + timedelta(hours=6)
            for share in sorted(chance(seed, "episodes", org_id).random() for _ in range(1))
            + sorted(chance(seed, "more", org_id, number).random() for number in range(_EPISODES - 1))
        ]
        for org_id in ORGANISATIONS
    }
    return [_session(seed, number, begin, days, episodes) for number in range(sessions)]


def core_story(week: list[CausedSession]) -> Story:
    """What our API measured of itself, in the order of time."""
    events = sorted((event for session in week for event in session.api), key=lambda event: event.at)
    groups = [tuple(events[start : start + _AT_ONCE]) for start in range(0, len(events), _AT_ONCE)]
    return Story(Service(), tuple(Request(group[-1].at, 0, group) for group in groups))


def _session(
    seed: int, number: int, begin: datetime, days: int, episodes: Mapping[str, list[datetime]]
) -> CausedSession:
    random = chance(seed, "caused", number)
    cause, org_id = one_of(random, CAUSES), one_of(random, ORGANISATIONS)
    medium, device = random.choice(CATALOGUE), choose_device(random)
    while device.device_type == "bot":
        device = choose_device(random)
    conditions = draw(random, cause, float(medium.seconds))
    began_at = _moment(random, cause, begin, days, episodes[org_id])
    session_id = uuid5(NAMESPACE_URL, f"sim-cause:{seed}:{begin.isoformat()}:{number}")
    playback = Playback(conditions, chance(seed, "playback", number), float(medium.seconds))
    playback.run()
    sender = Browser(f"sim-caused-{seed}-{number:05d}", org_id, device, choose_place(random).address(random))
    start = Said("session_start", 0.0, {"total_duration_seconds": float(medium.seconds), **_start(playback, random)})
    said = [one for one in (start, *playback.said) if _arrives(one, random)]
    outgoing = [_outgoing(one, place, sender, session_id, medium.media_id, began_at) for place, one in enumerate(said)]
    requests: list[Request] = []
    for kind in ("media", "errors"):
        events = tuple(event for event in outgoing if event.kind == kind)
        if events:
            requests.append(Request(events[-1].at, 0, events))
    api = _api_events(playback, conditions, random, session_id, org_id, began_at)
    return CausedSession(session_id, org_id, cause, began_at, Story(sender, tuple(requests)), tuple(api))


def _moment(random: Random, cause: str, begin: datetime, days: int, episodes: list[datetime]) -> datetime:
    """When a session begins: within an episode of our API if that is its cause, else well away from all of them."""
    if cause == _OUR_API:
        return random.choice(episodes) + _EPISODE * random.random()
    stretch = timedelta(days=days) - _LONGEST
    while True:
        moment = begin + stretch * random.random()
        if all(not episode - _APART < moment < episode + _EPISODE + _APART for episode in episodes):
            return moment


def _start(playback: Playback, random: Random) -> dict[str, Any]:
    """What the browser could measure: some know nothing of the network, some CDNs do not allow their timings."""
    told: dict[str, Any] = {
        name: round(value, 1)
        for name, value in playback.measured.items()
        if name == "video_load_time_ms" or happens(random, 0.78)
    }
    conditions = playback.conditions
    if happens(random, 0.64):
        # Browsers round, cap at 10 Mbit/s, and tell of the minutes before: now and then of another network.
        is_stale = happens(random, 0.06)
        line = 10.0 if is_stale else around(random, conditions.line_mbit, 0.3)
        rtt = 50.0 if is_stale else around(random, conditions.rtt_ms, 0.25)
        told["effective_bandwidth"] = max(0.05, round(min(10.0, line) / 0.05) * 0.05)
        told["rtt_ms"] = float(round(rtt / 25) * 25)
        told["connection_type"] = "2g" if rtt > 1400 else "3g" if rtt > 270 or line < 0.7 else "4g"  # noqa: PLR2004 - as browsers name them
    return told


def _arrives(said: Said, random: Random) -> bool:
    """Beacons get lost, ends most of all: the page is closing."""
    return not happens(random, {"session_end": 0.12, "session_start": 0.01}.get(said.event, 0.015))


def _outgoing(  # noqa: PLR0913, PLR0917 - one event with all that belongs to it
    said: Said, place: int, sender: Browser, session_id: UUID, media_id: str, began_at: datetime
) -> Outgoing:
    is_media = said.event != "app_error"
    return Outgoing(
        kind="media" if is_media else "errors",
        key=str(place),
        event=said.event,
        org_id=sender.org_id,
        at=began_at + timedelta(seconds=said.at),
        data=said.data if is_media else {"source": "app", "url": "/v1/exercises", **said.data},
        level=2,
        event_id=uuid5(session_id, f"event:{place}"),
        session_id=session_id,
        media_id=media_id,
    )


def _api_events(  # noqa: PLR0913, PLR0917 - as above
    playback: Playback, conditions: Conditions, random: Random, session_id: UUID, org_id: str, began_at: datetime
) -> list[Outgoing]:
    """The session's own calls, and those of others about the same time: they meet the same API."""
    calls = list(playback.api_calls)
    for _ in range(_OTHERS):
        at = random.uniform(-240.0, 240.0)
        disturbed = conditions.cause == _OUR_API
        took = around(random, conditions.api_ms if disturbed else healthy_api_ms(random), 0.35) / 1000
        calls.append((at, 503 if happens(random, conditions.api_fails) else 200, took))
    return [
        Outgoing(
            kind="api_metrics",
            key=f"{session_id}:{place}",
            event="api_metrics",
            org_id=org_id,
            at=began_at + timedelta(seconds=at),
            data={
                "method": "GET",
                "route": "/v1/exercises/{exercise_id}",
                "status_code": status,
                "duration_ms": round(1000 * took, 2),
            },
            level=0,
            event_id=uuid5(session_id, f"api:{place}"),
        )
        for place, (at, status, took) in enumerate(calls)
    ]
