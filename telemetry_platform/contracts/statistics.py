"""What is asked of the statistics, and over which stretch of time.

Invariant: a stretch is whole UTC hours, or whole UTC days that have ended for whoever may not see small groups; it is
said in every answer, since what was asked for may have been widened to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONGEST = timedelta(days=366)
_FURTHEST = 4 * LONGEST
"""No rollup is kept for half as long."""


class Period(StrEnum):
    """Stretches that end now."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return {Period.HOUR: HOUR, Period.DAY: DAY, Period.WEEK: 7 * DAY, Period.MONTH: 30 * DAY}[self]


class Dimension(StrEnum):
    """What video is counted by."""

    COUNTRY = "country_code"
    DEVICE = "device_type"
    CONNECTION = "connection_type"
    BROWSER = "browser_family"


@dataclass(frozen=True)
class Stretch:
    """From a moment until before another, in UTC."""

    since: datetime
    until: datetime

    @property
    def before(self) -> Stretch:
        """The stretch of the same length before it."""
        return Stretch(self.since - (self.until - self.since), self.since)


class StretchError(ValueError):
    """A stretch that cannot be answered for; `field` is the parameter, the message what would be right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def stretch(
    period: Period | None, since: datetime | None, until: datetime | None, *, now: datetime, whole_days: bool
) -> Stretch:
    """The stretch that is answered for: 7 days where nothing is said.

    Raises StretchError: both a period and a range, half a range, one that is too long or ends before it begins, and for
    whole days a period of an hour, or a range of no whole days that have ended.
    """
    if period is not None and (since is not None or until is not None):
        raise StretchError("period", "give a period, or `from` and `to`, not both")
    if (since is None) != (until is None):
        raise StretchError("from" if since is None else "to", "give both `from` and `to`, or a period")
    if since is None or until is None:
        return _ending_now(period or Period.WEEK, now, whole_days=whole_days)
    _refuse_wrong(since, until, now)
    if not whole_days:
        return Stretch(_floor(since, HOUR), _ceiling(until, HOUR))
    if since != _floor(since, DAY) or until != _floor(until, DAY):
        raise StretchError("from", "analysts are answered for whole UTC days: begin and end at 00:00:00Z")
    if until > _floor(now, DAY):
        raise StretchError("to", "analysts are answered for days that have ended: at most the begin of today, UTC")
    return Stretch(since, until)


def _refuse_wrong(since: datetime, until: datetime, now: datetime) -> None:
    """Before anything is reckoned with them: a calendar ends."""
    for name, moment in (("from", since), ("to", until)):
        if not now - _FURTHEST <= moment <= now + LONGEST:
            raise StretchError(name, "must be within the time that data is kept for")
    if until <= since:
        raise StretchError("to", "must be later than `from`")
    if until - since > LONGEST:
        raise StretchError("from", f"must be at most {LONGEST.days} days before `to`")


def _ending_now(period: Period, now: datetime, *, whole_days: bool) -> Stretch:
    if not whole_days:
        until = _ceiling(now, HOUR)
        return Stretch(until - period.length, until)
    if period is Period.HOUR:
        raise StretchError("period", "analysts are answered for whole UTC days: 24h (yesterday), 7d or 30d")
    until = _floor(now, DAY)
    return Stretch(until - period.length, until)


def _floor(moment: datetime, unit: timedelta) -> datetime:
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    return begin + (moment - begin) // unit * unit


def _ceiling(moment: datetime, unit: timedelta) -> datetime:
    low = _floor(moment, unit)
    return low if low == moment else low + unit
