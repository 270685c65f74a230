"""Product analytics along a visit: the pages on the way to a video, the play button, the diary.

With full consent also where somebody came from and how they moved. About three events a visit, as the source's ten
thousand a day are to its five thousand sessions.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.simulate.breakages import NO_ZONE, Breakage, says, without
from telemetry_platform.simulate.chance import happens
from telemetry_platform.simulate.delivery import collected
from telemetry_platform.simulate.events import Request
from telemetry_platform.simulate.mishaps import Mishaps, disturbed
from telemetry_platform.simulate.people import ANALYTICS, FULL
from telemetry_platform.simulate.visits import Told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from telemetry_platform.simulate.events import Outgoing
    from telemetry_platform.simulate.visits import Visit

KIND = "analytics"
BREAKAGES: Mapping[str, Breakage] = {
    "element_is_an_e_mail": Breakage(
        "element", lambda event: event | {"kind": "click", "route": "/home", "element": "somebody@example.org"}
    ),
    "kind_of_no_use": says("kind", "daydream"),
    "no_kind": without("kind"),
    "properties_are_a_list": says("properties", [1, 2]),
    "zoneless": NO_ZONE,
}
_REFERRERS = ("www.google.com", "newsletter.example.org", "clinic.example.org")
_SENT_AFTER = timedelta(milliseconds=300)


def tell(visit: Visit, random: Random) -> list[Request]:
    """What the app says of one visit."""
    events = [visit.tell(told) for told in sorted(_uses(visit, random), key=lambda told: told.at)]
    requests = [
        Request(group[-1].at + _SENT_AFTER, visit.number, tuple(group), is_single=len(group) == 1)
        for group in collected(events, visit.patient.flush_ms)
    ]
    return disturbed(requests, random, breakages=BREAKAGES, contradict=contradict, shares=Mishaps())


def contradict(event: Outgoing) -> Outgoing:
    """The same use on another page."""
    return replace(event, data={**event.data, "route": "/settings/privacy"})


def _uses(visit: Visit, random: Random) -> list[Told]:
    medium = visit.medium.media_id
    page, page_at_rest = f"https://app.example.org/exercises/{medium}?from=plan#video", "/exercises/:x"
    uses = [_use(visit, "page", "page_view", -8, (page, page_at_rest))]
    if happens(random, 0.5):
        referrer = random.choice(_REFERRERS)
        uses.append(_use(visit, "home", "page_view", -25, ("/home", "/home"), referrer_host=referrer))
    if happens(random, 0.7):
        uses.append(
            _use(visit, "play", "click", -1, (page, page_at_rest), element="play_button", feature="video_player")
        )
    watched = (visit.ended_at - visit.started_at).total_seconds()
    if happens(random, 0.4):
        note = f"{random.randrange(10)} of 10, ask {visit.patient.user_id}@example.org"
        diary = {"pain": random.randrange(11), "better": happens(random, 0.6), "note": note}
        at_rest = diary | {"note": note.replace(f"{visit.patient.user_id}@example.org", "[email]")}
        told = _use(visit, "diary", "feature_use", watched + 5, None, feature="exercise_diary")
        uses.append(_with_properties(told, diary, at_rest))
    if happens(random, 0.15):
        touch = _use(visit, "campaign", "marketing_touch", -26, ("/home", "/home"), feature="spring_campaign")
        uses.append(_with_properties(touch, {"source": "newsletter", "wave": 2}))
    if happens(random, 0.25):
        trace = _use(visit, "scroll", "behaviour_trace", watched + 2, (page, page_at_rest), element="page_end")
        uses.append(_with_properties(trace, {"depth": random.randrange(1, 100) / 100, "pauses": random.randrange(4)}))
    return uses


def _use(visit: Visit, name: str, kind: str, seconds: float, route: tuple[str, str] | None, **said: str) -> Told:
    """A use some seconds after the view began; `route` as it is sent and as it must rest."""
    data: dict[str, Any] = {"kind": kind, **said}
    columns = dict(data)
    if route is not None:
        data["route"], columns["route"] = route
    return Told(
        kind=KIND,
        name=name,
        event=kind,
        at=visit.started_at + timedelta(seconds=seconds),
        data=data,
        columns=columns,
        needs=FULL if kind in {"marketing_touch", "behaviour_trace"} else ANALYTICS,
        session_id=visit.web_session_id,
    )


def _with_properties(told: Told, properties: Mapping[str, Any], at_rest: Mapping[str, Any] | None = None) -> Told:
    text = json.dumps(at_rest or properties, separators=(",", ":"))
    return replace(told, data={**told.data, "properties": properties}, columns={**told.columns, "properties": text})
