"""The list of networks that said "do not sell" (CCPA): how a sync may end, what is remarked on, when it is too old.

Invariants: every set here is closed, so that what is stored and shown holds no word of a server; the age of the list is
the age of the last *full* sync, since only that one shows what was withdrawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WARN_AFTER = timedelta(days=8)
"""A week and a day: one weekly sync was missed."""
FAIL_AFTER = timedelta(days=14)
"""The law gives 15 business days; this leaves the rest of them for whoever has to act."""
DELTA_AFTER = timedelta(days=1)
"""How often changes are asked for."""
OVERLAP = timedelta(days=1)
"""How far a delta reaches back before the newest entry that is known: entries that were published late are in it."""
_FUTURE = timedelta(hours=1)
"""Clocks of two machines may differ by less than this; a sync that lies further ahead proves nothing."""


class SyncMode(StrEnum):
    """Which part of the list is fetched."""

    FULL = "full"
    """All of it: what is not in it any more was withdrawn."""
    DELTA = "delta"
    """What was published since: adds, and never withdraws."""


class SyncStatus(StrEnum):
    """How a sync ended; all but `succeeded` leave the list as it was."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    SUSPICIOUS_EMPTY = "suspicious_empty"
    """The list had no network that can be used."""
    SUSPICIOUS_SHRINK = "suspicious_shrink"
    """The list had at most half of the networks that are active."""
    HTTP_ERROR = "http_error"
    """No answer in time, or another one than the list; where it may pass, it was tried again."""
    AUTH_ERROR = "auth_error"
    """Account or licence key were refused; not tried again."""
    BAD_RESPONSE = "bad_response"
    """An answer that says that it is the list and is not: media type, size, or JSON of another shape."""
    TIMESTAMP_INVALID = "timestamp_invalid"
    """A delta's moment was refused; a full sync follows."""
    INTERRUPTED = "interrupted"
    """It never ended: its process or its connection did. Found by the next sync."""


ERROR_CODES = frozenset(
    {"TIMESTAMP_INVALID", "AUTHORIZATION_INVALID", "ACCOUNT_ID_REQUIRED", "LICENSE_KEY_REQUIRED", "PERMISSION_REQUIRED"}
)
"""The codes that the service documents; another one is not repeated."""


class Remark(StrEnum):
    """What was noticed about entries of a list; counted, never quoted: a network may be one household."""

    UNKNOWN_TYPE = "unknown_type"
    """Another exclusion or data type than we know: ignored."""
    HOST_BITS = "host_bits"
    """Bits behind the prefix: cleared."""
    EMBEDDED_IPV4 = "embedded_ipv4"
    """IPv4 written as IPv6 (mapped, 6to4, NAT64): taken as the IPv4 network that it is."""
    DUPLICATE = "duplicate"
    """The same network again: taken once."""
    UNREADABLE_TIME = "unreadable_time"
    """No RFC 3339 `last_updated`: the network counts, and moves no cursor."""
    TOO_WIDE = "too_wide"
    """Shorter than /8 (IPv4) or /16 (IPv6): refused."""
    UNREADABLE_NETWORK = "unreadable_network"
    """A network that cannot be read: refused."""
    UNREADABLE_ITEM = "unreadable_item"
    """No entry at all: refused."""


ALARMING = frozenset({Remark.TOO_WIDE, Remark.UNREADABLE_NETWORK, Remark.UNREADABLE_ITEM})
"""Somebody has to look: a network that its owner listed is not excluded, or a list would exclude everybody."""


class Age(StrEnum):
    """What the age of the list means."""

    NEVER_LOADED = "never_loaded"
    FRESH = "fresh"
    LATE = "late"
    STALE = "stale"


@dataclass(frozen=True)
class Freshness:
    """The state of the list, and the seconds since its last full sync."""

    state: Age
    seconds: float | None


def freshness(last_full: datetime | None, now: datetime) -> Freshness:
    """Judge the list by when its last full sync ended. One that lies in the future proves nothing."""
    if last_full is None:
        return Freshness(Age.NEVER_LOADED, None)
    age = now - last_full
    late = Age.LATE if age >= WARN_AFTER else Age.FRESH
    state = Age.STALE if age >= FAIL_AFTER or age < -_FUTURE else late
    return Freshness(state, age.total_seconds())
