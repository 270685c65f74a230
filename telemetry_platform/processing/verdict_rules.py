"""The decision table: the first rule whose signals are all raised gives the verdict.

Invariant: order is meaning. What ended playback comes before what slowed it, what only one cause explains before what
several do, and doubt ends in `not_enough_data`. The last rule asks for nothing, so that there is always a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.verdict import Cause

if TYPE_CHECKING:
    from telemetry_platform.contracts.verdict import Confidence


@dataclass(frozen=True)
class Rule:
    """Raised signals that must all (`needs`), one at least (`one_of`) and none (`without`) be there."""

    name: str
    cause: Cause
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    confidence: Confidence = "high"


_TROUBLE = ("slow_start", "stalled", "never_played")

RULES: tuple[Rule, ...] = (
    Rule("our API refused the app", Cause.OUR_API, ("our_api_failed_it",)),
    Rule("the CDN failed", Cause.SLOW_CDN, ("cdn_failed_it",)),
    Rule("the connection broke at a slow CDN", Cause.SLOW_CDN, ("connection_broke", "cdn_is_slow")),
    Rule("the connection broke", Cause.PATIENT_NETWORK, ("connection_broke",)),
    Rule("the player gave up", Cause.PLAYER_ERROR, ("player_failed",)),
    Rule("frames were dropped", Cause.SLOW_DEVICE, ("frames_dropped",)),
    Rule("the CDN was slow", Cause.SLOW_CDN, ("cdn_is_slow",), _TROUBLE),
    Rule("it was slow while our API failed", Cause.OUR_API, ("api_is_failing",), ("slow_start", "never_played")),
    Rule(
        "our API was slow before the video", Cause.OUR_API, ("api_is_slow", "first_byte_is_quick"),
        ("slow_start", "never_played"), ("stalled",),
    ),
    Rule("the line was too thin", Cause.PATIENT_NETWORK, ("line_is_poor",), _TROUBLE),
    Rule("the line was behind its peers", Cause.PATIENT_NETWORK, ("line_behind_peers",), _TROUBLE, (), "low"),
    Rule(
        "the CDN was quick, the bytes were slow", Cause.PATIENT_NETWORK, ("cdn_is_quick",),
        ("stalled", "very_slow_start"), ("api_is_slow",), "low",
    ),
    Rule("our API was slow", Cause.OUR_API, ("api_is_slow",), ("slow_start", "never_played"), (), "low"),
    Rule("the CDN refused requests", Cause.SLOW_CDN, ("cdn_refused",), _TROUBLE, (), "low"),
    Rule("the player had errors", Cause.PLAYER_ERROR, ("player_faults",), ("stalled", "never_played"), (), "low"),
    Rule("too little arrived", Cause.NOT_ENOUGH_DATA, ("too_little",), (), (), "low"),
    Rule("trouble without a known cause", Cause.NOT_ENOUGH_DATA, ("stalled",), (), (), "low"),
    Rule("very slow without a known cause", Cause.NOT_ENOUGH_DATA, ("very_slow_start",), (), (), "low"),
    Rule("it was seen to the end", Cause.FINE, ("seen_to_the_end",)),
    Rule("it never played, and nothing says why", Cause.NOT_ENOUGH_DATA, ("never_played",), (), (), "low"),
    Rule("slow without a known cause", Cause.NOT_ENOUGH_DATA, ("slow_start",), (), ("still_open",), "low"),
    Rule("it goes on", Cause.FINE, ("still_open",), (), (), "low"),
    Rule("the patient left", Cause.LEFT_EARLY, ("left",)),
    Rule("nothing can be said", Cause.NOT_ENOUGH_DATA, (), (), (), "low"),
)  # fmt: skip

TELL_PATIENT: dict[Cause, str] = {
    Cause.SLOW_CDN: "The service that delivers our videos was slow. Your internet and your device are fine. "
    "Please try again in about half an hour; we are looking into it.",
    Cause.PATIENT_NETWORK: "Your internet connection was too slow for the video. Please move closer to your Wi-Fi or "
    "switch to another network, close other downloads, or choose a lower picture quality.",
    Cause.SLOW_DEVICE: "Your device had difficulty showing the video. Please close other apps and tabs, choose a lower "
    "picture quality, or try another device.",
    Cause.PLAYER_ERROR: "The video player stopped with an error. Please reload the page, and update your browser. If "
    "it happens again, tell us which exercise it was: we will repair it.",
    Cause.OUR_API: "Our own service had a problem; it was nothing that you did. Please try again in a few minutes. "
    "Your progress is safe.",
    Cause.LEFT_EARLY: "The video played well and was closed before its end. You can go on where you stopped; if the "
    "exercise was too hard or it hurt, please tell your therapist.",
    Cause.FINE: "The video played well: we see no problem on our side or yours. If something was not right, please "
    "tell us what you saw.",
    Cause.NOT_ENOUGH_DATA: "We cannot see what went wrong this time. Please try again; if it happens again, tell us "
    "the time and what you saw on the screen.",
}
