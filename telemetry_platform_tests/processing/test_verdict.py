"""The decision table: each rule by itself, any evidence at all, and sessions whose cause is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.contracts.verdict import ApiFigures, Cause, Evidence, Fault, Peers
from telemetry_platform.processing.verdict import judge
from telemetry_platform.processing.verdict_rules import RULES, TELL_PATIENT
from telemetry_platform.processing.verdict_signals import SIGNALS
from telemetry_platform.processing.verdict_table import markdown
from telemetry_platform.simulate.causes.conditions import CAUSES
from telemetry_platform.simulate.causes.score import score
from telemetry_platform_tests.simulate.caused_evidence import caused_evidence

if TYPE_CHECKING:
    from telemetry_platform.processing.verdict_rules import Rule

SEEDS = (9200, 9201)
_PLAYED: dict[str, Any] = {
    "start_seen": True,
    "event_count": 9,
    "watched_seconds": 60.0,
    "startup_ms": 900.0,
    "load_ms": 800.0,
}
_SLOW: dict[str, Any] = _PLAYED | {"load_ms": 6000.0, "state": "abandoned", "completion": 0.2}
_STALLED: dict[str, Any] = _PLAYED | {"stall_count": 4, "stall_ms": 20_000.0, "state": "abandoned", "completion": 0.2}
_UNPLAYED: dict[str, Any] = {"start_seen": True, "event_count": 4, "state": "abandoned"}
_BAD_API = ApiFigures(10, 6, 90.0, 100.0, 900, 2, 80.0, 100.0)
_SLOW_API = ApiFigures(10, 0, 2900.0, 4000.0, 900, 2, 80.0, 100.0)

CASES: dict[str, dict[str, Any]] = {
    "our API refused the app": _UNPLAYED | {"faults": (Fault("app", "PLAN", 503),)},
    "the CDN failed": _STALLED | {"faults": (Fault("video", "HTTP", 504, fatal=True),)},
    "the connection broke at a slow CDN": _STALLED
    | {"faults": (Fault("video", "MEDIA_ERR_NETWORK", fatal=True),), "cdn_ms": 3000.0, "rtt_ms": 30.0},
    "the connection broke": _STALLED | {"faults": (Fault("video", "MEDIA_ERR_NETWORK", fatal=True),)},
    "the player gave up": _PLAYED | {"faults": (Fault("video", "MEDIA_ERR_DECODE", fatal=True),)},
    "frames were dropped": _PLAYED | {"dropped_frames": 400},
    "the CDN was slow": _STALLED | {"cdn_ms": 2000.0, "rtt_ms": 30.0},
    "it was slow while our API failed": _SLOW | {"api": _BAD_API},
    "our API was slow before the video": _SLOW | {"api": _SLOW_API, "ttfb_ms": 90.0},
    "the line was too thin": _STALLED | {"bandwidth_mbit": 0.5, "bitrate": 800_000.0},
    "the line was behind its peers": _STALLED
    | {"rtt_ms": 250.0, "peers": {"rtt_ms": Peers(40, 30.0, 60.0, "same country")}},
    "the CDN was quick, the bytes were slow": _STALLED | {"cdn_ms": 60.0},
    "our API was slow": _SLOW | {"api": _SLOW_API, "ttfb_ms": 2500.0},
    "the CDN refused requests": _STALLED | {"faults": (Fault("video", "HTTP", 503),)},
    "the player had errors": _STALLED | {"faults": (Fault("video", "MEDIA_ERR_DECODE"),)},
    "too little arrived": {"event_count": 1},
    "trouble without a known cause": _STALLED,
    "very slow without a known cause": _SLOW,
    "it was seen to the end": _PLAYED | {"state": "completed", "completion": 1.0},
    "it never played, and nothing says why": _UNPLAYED,
    "slow without a known cause": _SLOW | {"load_ms": 3000.0},
    "it goes on": _PLAYED,
    "the patient left": _PLAYED | {"state": "abandoned", "completion": 0.3},
    "nothing can be said": _PLAYED | {"state": "abandoned"},
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_has_a_session_that_it_decides(rule: Rule) -> None:
    verdict = judge(Evidence("one", **CASES[rule.name]))
    assert (verdict.rule, verdict.cause) == (rule.name, rule.cause)


def test_the_table_is_whole() -> None:
    assert {rule.name for rule in RULES} == CASES.keys()
    assert {name for rule in RULES for name in (*rule.needs, *rule.one_of, *rule.without)} <= set(SIGNALS)
    assert {rule.cause for rule in RULES} == set(Cause) == TELL_PATIENT.keys()
    assert (RULES[-1].needs, RULES[-1].one_of, RULES[-1].without) == ((), (), ())


def test_reasons_hold_numbers_units_and_peers() -> None:
    peers = {"cdn_ms": Peers(40, 50.0, 90.0, "same country")}
    verdict = judge(Evidence("one", **(_STALLED | {"cdn_ms": 2000.0, "rtt_ms": 30.0, "peers": peers})))
    assert verdict.reasons[0] == "Answer of the CDN: 2,000 ms (peers: 50 ms, same country, n=40)"


_NUMBER = st.none() | st.floats()
_FAULTS = st.builds(
    Fault,
    st.sampled_from(["app", "video", "network", ""]),
    st.text(max_size=8),
    st.none() | st.integers(0, 999),
    st.booleans(),
    st.integers(0, 9),
)
_API = st.builds(
    ApiFigures, st.integers(0, 99), st.integers(0, 99), _NUMBER, _NUMBER, st.integers(0, 99), st.integers(0, 99),
    _NUMBER, _NUMBER,
)  # fmt: skip
_EVIDENCE = st.builds(
    Evidence,
    st.just("any"),
    state=st.sampled_from(["active", "paused", "completed", "abandoned", "?"]),
    start_seen=st.booleans(),
    event_count=st.integers(0, 50),
    connection_type=st.sampled_from([None, "3g", "wifi"]),
    ttfb_ms=_NUMBER,
    load_ms=_NUMBER,
    startup_ms=_NUMBER,
    start_cdn_ms=_NUMBER,
    cdn_ms=_NUMBER,
    bandwidth_mbit=_NUMBER,
    rtt_ms=_NUMBER,
    bitrate=_NUMBER,
    stall_count=st.integers(0, 2**32),
    stall_ms=st.floats(),
    watched_seconds=st.floats(),
    completion=_NUMBER,
    dropped_frames=st.none() | st.integers(0, 2**32),
    fatal_error=st.booleans(),
    faults=st.lists(_FAULTS, max_size=3).map(tuple),
    api=_API,
    peers=st.dictionaries(
        st.sampled_from(["ttfb_ms", "cdn_ms", "rtt_ms"]),
        st.builds(Peers, st.integers(0, 99), st.floats(), st.floats(), st.just("all")),
    ),
)


@given(_EVIDENCE)
def test_any_evidence_has_a_verdict_with_reasons(evidence: Evidence) -> None:
    verdict = judge(evidence)
    assert verdict.reasons
    assert all(verdict.reasons)
    assert verdict.tell_patient == TELL_PATIENT[verdict.cause]


def test_known_causes_are_found() -> None:
    pairs = [(cause, judge(one).cause.value) for seed in SEEDS for cause, one in caused_evidence(seed, 400)]
    found = score(pairs)
    assert found.right >= 0.9, found
    assert found.wrong <= 0.05, found
    for cause in CAUSES:
        assert found.recall(cause) >= 0.7, (cause, found)


def test_the_page_shows_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "verdict.md"
    assert markdown() in page.read_text(), "docs/verdict.md is behind the rules: put in `telemetry verdict table`"
