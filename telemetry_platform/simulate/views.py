"""What happens in a view: how long it takes to start, where it stalls, what the patient does, and how it ends.

Invariant: everything is drawn from the random source that is passed in, in a fixed order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.simulate.catalogue import RENDITIONS
from telemetry_platform.simulate.chance import happens, one_of
from telemetry_platform.simulate.player import Player

if TYPE_CHECKING:
    from random import Random

    from telemetry_platform.simulate.catalogue import Medium
    from telemetry_platform.simulate.people import Patient

_ENDINGS = {"completed": 62, "left": 15, "left_at_once": 4, "vanished": 9, "paused": 4, "failed": 6}
_INCIDENTS = {"stall": 5.0, "pause": 2.0, "seek": 2.0, "quality": 2.0, "error": 0.5, "frames": 2.0}
_ERRORS = (
    ("MEDIA_ERR_NETWORK", "segment could not be loaded", 504),
    ("MEDIA_ERR_DECODE", "decoder reset", None),
    ("MANIFEST_LOAD_ERROR", "manifest answered with an error", 403),
)
_MIN_PLAY_MS = 8_000
_MBIT_FOR_720P = 10
_JUMP_MS = 10_000


def watch(patient: Patient, medium: Medium, random: Random) -> Player:
    """One view from start to end; the player holds its events and what was lived."""
    ending = one_of(random, _ENDINGS)
    is_slow = patient.connection.bandwidth_mbit < _MBIT_FOR_720P
    player = Player(medium, rendition=random.choice((0, 1)) if is_slow else 2)
    slow = patient.connection.slower * random.lognormvariate(0, 0.35)
    ttfb = round(patient.place.ttfb_ms * slow, 1)
    player.start(
        {
            "ttfb_ms": ttfb,
            "video_load_time_ms": round(ttfb * random.uniform(2.2, 4.5), 1),
            "cdn_response_time_ms": round(ttfb * random.uniform(0.3, 0.8), 1),
            "connection_type": patient.connection.name,
            "effective_bandwidth": patient.connection.bandwidth_mbit,
            "rtt_ms": patient.connection.rtt_ms,
        }
    )
    if ending == "left_at_once":
        player.now_ms += random.randrange(400, 2_500)
        player.end("abandoned")
        return player
    startup = int(ttfb * random.uniform(2.5, 5.0)) + 200
    player.wait_for_first_frame(startup, stall_ms=startup // 2 if happens(random, 0.12) else 0)
    _play(player, patient, random, _stop_at(ending, player, random))
    _end(player, ending, random)
    return player


def _stop_at(ending: str, player: Player, random: Random) -> int:
    """Where in the medium the view ends."""
    if ending == "completed":
        return player.length_ms
    return int(player.length_ms * random.uniform(0.25, 0.9))


def _play(player: Player, patient: Patient, random: Random, stop_ms: int) -> None:
    """Play to `stop_ms` with what happens on the way; the last stretch is left undisturbed."""
    stalls = patient.place.stalls * patient.connection.slower
    count = one_of(random, {0: 2, 1: 4, 2: 3, 4: 3, 7: 1})
    places = sorted(random.randrange(3_000, max(3_001, stop_ms)) for _ in range(count))
    for place in places:
        if place <= player.position_ms + _MIN_PLAY_MS or place > stop_ms - 2 * _MIN_PLAY_MS - _JUMP_MS:
            continue
        player.play_to(place)
        what = one_of(random, _INCIDENTS | {"stall": 5 * stalls})
        if what == "stall":
            player.stall(int(random.lognormvariate(7.2, 0.8)), cdn_ms=round(patient.place.ttfb_ms * 4, 1))
        elif what == "pause":
            player.pause(random.randrange(2_000, 90_000))
        elif what == "seek":
            jump = random.choice((-2 * _JUMP_MS, -_JUMP_MS, _JUMP_MS))
            player.seek(player.position_ms + jump, random.choice((0, 350, 900)))
        elif what == "quality":
            other = (player.rendition + random.choice((1, 2))) % len(RENDITIONS)
            player.change_quality(other, "bandwidth")
        elif what == "error":
            code, message, status = random.choice(_ERRORS)
            player.fail(code, f"{message}, reported by {patient.user_id}@example.org", fatal=False, http_status=status)
        else:
            player.drop_frames(random.randrange(1, 40))
    player.play_to(stop_ms)


def _end(player: Player, ending: str, random: Random) -> None:
    """How the view ends; who vanishes or pauses for good says nothing any more."""
    if ending == "completed":
        player.end("completed")
    elif ending == "left":
        player.end("abandoned")
    elif ending == "paused":
        player.pause(None)
    elif ending == "failed":
        code, message, status = random.choice(_ERRORS)
        player.fail(code, message, fatal=True, http_status=status)
        player.now_ms += 1_200
        if happens(random, 0.5):
            player.end("abandoned")
