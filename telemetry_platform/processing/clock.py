"""The clock rule: when an event happened, judged by the server's clock, whatever the client's clock says.

Invariants: pure; times are milliseconds since 1970 (UTC); the answer is never after `received_at` + 5 s and never more
than seven days before it. The client's own time is not changed here: it is kept beside the answer as `client_at`.
"""

from __future__ import annotations

from typing import NamedTuple

TOLERANCE_MS = 5_000
"""How far clocks may differ before one counts as wrong: honest clocks are not jittered by latency."""
LATE_MS = 7 * 86_400_000
"""Older events are refused as `too_late`."""
NEVER_SET_MS = 365 * 86_400_000
"""A time that is further off than this comes from a clock that was never set."""


class Occurred(NamedTuple):
    """The corrected time; `skewed` says that the client's clock was wrong, `too_late` that the event is refused."""

    at: int
    skewed: bool
    too_late: bool


def occurred_at(timestamp: int, sent_at: int | None, received_at: int) -> Occurred:
    """When the event happened.

    With `sent_at`, a clock that is over five seconds off is seen through: the event's age by the client's own clock is
    subtracted from the time of receipt. Without it the timestamp stands, within the guards.
    """
    at, skewed = timestamp, False
    if sent_at is not None and abs(received_at - sent_at) > TOLERANCE_MS:
        # An event cannot be younger than its sending: such an age is zero.
        at, skewed = received_at - max(0, sent_at - timestamp), True
    if abs(received_at - at) > NEVER_SET_MS or at > received_at + TOLERANCE_MS:
        return Occurred(received_at, skewed=True, too_late=False)
    return Occurred(at, skewed, too_late=at < received_at - LATE_MS)
