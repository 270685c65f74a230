"""Why a session went as it did: the causes that can be named, the figures that are looked at, and what is said of them.

Invariant: a figure that nobody measured is None, never 0: a rule may not fire on what is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Rating = Literal["good", "warn", "bad", "unknown"]
Confidence = Literal["high", "low"]


class Cause(StrEnum):
    """The most likely reason."""

    SLOW_CDN = "slow_cdn"
    PATIENT_NETWORK = "patient_network"
    SLOW_DEVICE = "slow_device"
    PLAYER_ERROR = "player_error"
    OUR_API = "our_api"
    LEFT_EARLY = "left_early"
    FINE = "fine"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True)
class Peers:
    """The same figure of other sessions: how many told it, its middle and its tenth decile, and who they are."""

    n: int
    median: float
    p90: float
    what: str


@dataclass(frozen=True)
class Figure:
    """One figure of a session beside its peers'."""

    name: str
    label: str
    value: float | None
    unit: str
    peers: Peers | None
    rating: Rating


@dataclass(frozen=True)
class Fault:
    """One kind of error of a session, and how often it happened."""

    source: str
    code: str
    http_status: int | None = None
    fatal: bool = False
    count: int = 1


@dataclass(frozen=True)
class ApiFigures:
    """Our API for the session's tenant: while the session ran, and in the days before."""

    requests: int = 0
    server_errors: int = 0
    median_ms: float | None = None
    p90_ms: float | None = None
    before_requests: int = 0
    before_server_errors: int = 0
    before_median_ms: float | None = None
    before_p90_ms: float | None = None


@dataclass(frozen=True)
class Evidence:
    """All that is known of one session that may say why it went as it did."""

    session_id: str
    state: str = "active"
    start_seen: bool = False
    event_count: int = 0
    country_code: str | None = None
    device_type: str = "unknown"
    connection_type: str | None = None
    ttfb_ms: float | None = None
    load_ms: float | None = None
    startup_ms: float | None = None
    start_cdn_ms: float | None = None
    cdn_ms: float | None = None
    """Median of all answers of the CDN that the session tells of: at its start and at its stalls."""
    bandwidth_mbit: float | None = None
    rtt_ms: float | None = None
    bitrate: float | None = None
    stall_count: int = 0
    stall_ms: float = 0.0
    watched_seconds: float = 0.0
    completion: float | None = None
    dropped_frames: int | None = None
    fatal_error: bool = False
    faults: tuple[Fault, ...] = ()
    api: ApiFigures = field(default_factory=ApiFigures)
    peers: Mapping[str, Peers] = field(default_factory=lambda: MappingProxyType({}))
    """By the name of the figure (`ttfb_ms`, `load_ms`, `cdn_ms`, ...)."""


@dataclass(frozen=True)
class Verdict:
    """The most likely cause, the figures that say so in words, and what to tell the patient."""

    cause: Cause
    reasons: tuple[str, ...]
    tell_patient: str
    figures: tuple[Figure, ...]
    confidence: Confidence
    rule: str
