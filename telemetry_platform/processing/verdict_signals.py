"""What the rules ask of a session: named signals, each with the figures that raised it, in words.

Invariant: a signal is raised by what was measured; what is unknown raises none. A round trip that the browser does not
tell is worked out from the first byte: opening a connection takes about three of them before the CDN is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.processing.verdict_figures import figures_of, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from telemetry_platform.contracts.verdict import Evidence, Fault, Figure

_HANDSHAKES = 3
_SERVER_ERROR = 500
_SLOW_LINES = frozenset({"slow-2g", "2g", "3g"})
_LONG_ROUND_TRIP_MS = 300.0
_CDN_OWN_MS = 350.0
"""An answer slower than the round trip by more than this is the CDN's doing."""
_THIN_MARGIN = 1.3
_API_SLOWER = 2.5
_API_SLOW_MS = 400.0
_API_ERRORS_PERCENT = 5.0
_API_ERRORS_AT_LEAST = 3
_FAR_FROM_PEERS = 3.0
_EARLY = 0.75
_SEVERAL_STALLS = 2
_FEW_EVENTS = 3


class Signals:
    """The signals of one session, worked out once."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.figures = figures_of(evidence)
        self._named = {figure.name: figure for figure in self.figures}
        self._raised: dict[str, tuple[str, ...]] = {}
        for name, read in _READERS.items():
            if said := tuple(read(self)):
                self._raised[name] = said

    def has(self, name: str) -> bool:
        """Whether the signal is raised."""
        return name in self._raised

    def reasons(self, name: str) -> tuple[str, ...]:
        """The figures behind a signal, in words."""
        return self._raised.get(name, ())

    def figure(self, name: str) -> Figure:
        """One figure."""
        return self._named[name]

    def value(self, name: str) -> float | None:
        """The value of one figure."""
        return self._named[name].value

    def tell(self, name: str) -> str:
        """One figure in words."""
        return in_words(self._named[name])

    def is_rated(self, name: str, *ratings: str) -> bool:
        """Whether a figure has one of these ratings."""
        return self._named[name].rating in ratings

    def round_trip_ms(self) -> float | None:
        """The network's part in an answer: worked out from the first byte, else as the browser says."""
        ttfb, cdn, told = self.value("ttfb_ms"), self.evidence.start_cdn_ms, self.value("rtt_ms")
        worked_out = (ttfb - cdn) / _HANDSHAKES if ttfb is not None and cdn is not None and ttfb > cdn else None
        known = [value for value in (worked_out, told) if value is not None]
        return max(known) if known else None


def _fault_words(faults: list[Fault]) -> Iterator[str]:
    for fault in faults:
        status = "" if fault.http_status is None else f", HTTP {fault.http_status}"
        yield f"Error {fault.code} ({fault.source}{status}), {fault.count} x{', playback ended' if fault.fatal else ''}"


def _our_fault(fault: Fault) -> bool:
    return fault.source == "app" and (fault.http_status or 0) >= _SERVER_ERROR


def _cdn_fault(fault: Fault) -> bool:
    return fault.source != "app" and (fault.http_status or 0) >= _SERVER_ERROR


def _network_fault(fault: Fault) -> bool:
    code = fault.code.lower()
    words = ("network", "timeout", "offline", "connection")
    return fault.http_status is None and (fault.source == "network" or any(word in code for word in words))


def _faults(signals: Signals, wanted: Callable[[Fault], bool], *, fatal: bool = False) -> Iterator[str]:
    faults = [fault for fault in signals.evidence.faults if wanted(fault) and (fault.fatal or not fatal)]
    yield from _fault_words(faults)


def _never_played(signals: Signals) -> bool:
    evidence = signals.evidence
    return evidence.startup_ms is None and evidence.watched_seconds <= 0


def _ended_by_player(signals: Signals) -> Iterator[str]:
    others = [f for f in signals.evidence.faults if f.fatal and not _our_fault(f) and not _cdn_fault(f)]
    yield from _fault_words([fault for fault in others if not _network_fault(fault)])
    if signals.evidence.fatal_error and not any(fault.fatal for fault in signals.evidence.faults):
        yield "An error ended playback; its code is not known"


def _many_faults(signals: Signals) -> Iterator[str]:
    known = (_our_fault, _cdn_fault, _network_fault)
    yield from _fault_words([f for f in signals.evidence.faults if not f.fatal and not any(k(f) for k in known)])


def _slow_start(signals: Signals) -> Iterator[str]:
    """Loading beyond the limits. Waiting for the patient's tap lies in the start, not in loading."""
    if signals.is_rated("load_ms", "warn", "bad"):
        yield signals.tell("load_ms")
    elif signals.value("load_ms") is None and signals.is_rated("startup_ms", "bad"):
        yield signals.tell("startup_ms")


def _very_slow_start(signals: Signals) -> Iterator[str]:
    if signals.is_rated("load_ms", "bad"):
        yield signals.tell("load_ms")


def _stalled(signals: Signals) -> Iterator[str]:
    several = (signals.value("stall_count") or 0) >= _SEVERAL_STALLS
    if signals.is_rated("stalled_percent", "bad") or (several and signals.is_rated("stalled_percent", "warn")):
        yield signals.tell("stalled_percent")
        yield signals.tell("stall_count")


def _waited_in_vain(signals: Signals) -> Iterator[str]:
    if signals.evidence.start_seen and _never_played(signals):
        yield "It never began to play"


def _slow_cdn(signals: Signals) -> Iterator[str]:
    cdn = signals.figure("cdn_ms")
    if cdn.value is None:
        yield from _slow_first_byte(signals)
        return
    round_trip = signals.round_trip_ms()
    peers = cdn.peers
    own = cdn.value - (round_trip if round_trip is not None else peers.median if peers is not None else cdn.value / 2)
    if own > _CDN_OWN_MS and own > cdn.value / 2:
        yield signals.tell("cdn_ms")
        if round_trip is not None:
            yield f"Of it, the network took about {round_trip:,.0f} ms, the CDN {own:,.0f} ms"


def _slow_first_byte(signals: Signals) -> Iterator[str]:
    """Where the CDN's answer is not told: what of the first byte the line does not explain."""
    ttfb, round_trip = signals.value("ttfb_ms"), signals.value("rtt_ms")
    if ttfb is None or round_trip is None:
        return
    own = ttfb - (_HANDSHAKES + 1) * round_trip
    if own > _CDN_OWN_MS and own > ttfb / 2:
        yield signals.tell("ttfb_ms")
        yield f"The line explains {ttfb - own:,.0f} ms of it; the CDN took about {own:,.0f} ms"


def _poor_line(signals: Signals) -> Iterator[str]:
    margin, round_trip = signals.value("bandwidth_margin"), signals.round_trip_ms()
    if margin is not None and margin < _THIN_MARGIN:
        yield signals.tell("bandwidth_margin")
    if round_trip is not None and round_trip > _LONG_ROUND_TRIP_MS:
        yield f"Round trip of the network: about {round_trip:,.0f} ms"
    if signals.evidence.connection_type in _SLOW_LINES:
        yield f"The browser says that the connection is {signals.evidence.connection_type}"


def _line_behind_peers(signals: Signals) -> Iterator[str]:
    """The line is no worse than fixed limits, but far behind its peers."""
    for name in ("rtt_ms", "ttfb_ms"):
        figure = signals.figure(name)
        if figure.value is not None and figure.peers is not None:
            beyond = figure.value > _FAR_FROM_PEERS * figure.peers.median and figure.value > figure.peers.p90
            if beyond and figure.rating != "good":
                yield signals.tell(name)


def _line_cannot_be_it(signals: Signals) -> Iterator[str]:
    """A CDN that answers at once while playback stalls: the bytes are slow, and those pass the patient's line."""
    for name in ("cdn_ms", "ttfb_ms"):
        if signals.is_rated(name, "good"):
            yield f"{signals.tell(name)}, and yet playback waited for data"
            return


def _device(signals: Signals) -> Iterator[str]:
    if signals.is_rated("dropped_percent", "bad"):
        yield signals.tell("dropped_percent")


def _api_failing(signals: Signals) -> Iterator[str]:
    api = signals.evidence.api
    percent = signals.value("api_error_percent")
    before = 100 * api.before_server_errors / api.before_requests if api.before_requests else 0.0
    if (
        percent is not None
        and api.server_errors >= _API_ERRORS_AT_LEAST
        and percent > max(_API_ERRORS_PERCENT, _FAR_FROM_PEERS * before)
    ):
        yield f"{signals.tell('api_error_percent')} ({before:.1f} % in the days before)"


def _api_slow(signals: Signals) -> Iterator[str]:
    slower, median = signals.value("api_slowness"), signals.evidence.api.median_ms
    if slower is not None and median is not None and slower > _API_SLOWER and median > _API_SLOW_MS:
        before = signals.evidence.api.before_median_ms
        yield f"Our API answered in {median:,.0f} ms, before in {before:,.0f} ms ({slower:.1f} times slower)"


def _fast_first_byte(signals: Signals) -> Iterator[str]:
    """Loading was slow though the video's own first byte was quick: the time went before the video was asked for."""
    if signals.is_rated("ttfb_ms", "good", "warn", "unknown") and not any(_slow_cdn(signals)):
        yield signals.tell("ttfb_ms")


def _seen_to_the_end(signals: Signals) -> Iterator[str]:
    if signals.evidence.state == "completed" or (signals.value("completion") or 0) >= _EARLY:
        yield f"{signals.tell('completion')}, state {signals.evidence.state}"


def _still_open(signals: Signals) -> Iterator[str]:
    if signals.evidence.state in {"active", "paused"}:
        yield f"The session is {signals.evidence.state}, without trouble so far"


def _gone(signals: Signals) -> Iterator[str]:
    if signals.evidence.state == "abandoned" and signals.evidence.completion is not None:
        yield f"{signals.tell('completion')}, then the patient left; nothing was slow"


def _too_little(signals: Signals) -> Iterator[str]:
    evidence = signals.evidence
    if evidence.event_count < _FEW_EVENTS and not evidence.faults:
        yield f"Only {evidence.event_count} events arrived"
    elif not evidence.start_seen and evidence.watched_seconds <= 0 and not evidence.faults:
        yield "The session's start never arrived, and nothing was played"


_READERS: Mapping[str, Callable[[Signals], Iterator[str]]] = {
    "our_api_failed_it": lambda s: _faults(s, _our_fault),
    "cdn_failed_it": lambda s: _faults(s, _cdn_fault, fatal=True),
    "cdn_refused": lambda s: _faults(s, _cdn_fault),
    "connection_broke": lambda s: _faults(s, _network_fault, fatal=True),
    "player_failed": _ended_by_player,
    "player_faults": _many_faults,
    "slow_start": _slow_start,
    "very_slow_start": _very_slow_start,
    "stalled": _stalled,
    "never_played": _waited_in_vain,
    "cdn_is_slow": _slow_cdn,
    "line_is_poor": _poor_line,
    "line_behind_peers": _line_behind_peers,
    "cdn_is_quick": _line_cannot_be_it,
    "frames_dropped": _device,
    "api_is_failing": _api_failing,
    "api_is_slow": _api_slow,
    "first_byte_is_quick": _fast_first_byte,
    "seen_to_the_end": _seen_to_the_end,
    "still_open": _still_open,
    "left": _gone,
    "too_little": _too_little,
}
SIGNALS = tuple(_READERS)
