"""When something is expired: calendar arithmetic in UTC, from now backwards.

Expired means: row time < now - retention. Invariant: it is never computed as row time + interval. The two differ at the
ends of months: a row of 29 February and six years is kept through 28 February, and gone on 1 March.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from telemetry_platform.contracts.retention import Retention

_MONTHS_A_YEAR = 12


def cut_off(retention: Retention, now: datetime) -> datetime:
    """The moment before which a row is expired, in whole milliseconds: both databases hold it exactly.

    A day that the month does not have becomes its last one, as in PostgreSQL and ClickHouse.
    """
    moment = now.astimezone(UTC)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if retention.unit == "day":
        return moment - timedelta(days=retention.amount)
    months = retention.amount * (_MONTHS_A_YEAR if retention.unit == "year" else 1)
    return _months_before(moment, months)


def is_expired(retention: Retention, moment: datetime, now: datetime) -> bool:
    """Whether a row of this time may not be there any more."""
    return moment < cut_off(retention, now)


def is_whole_day(retention: Retention, day: date, now: datetime) -> bool:
    """Whether none of a day's rows may have expired: what is counted from a day that is not whole would be wrong.

    Whoever rebuilds something from a table asks first: a rebuild from what is left would wipe good numbers.
    """
    return datetime.combine(day, time(), UTC) >= cut_off(retention, now)


def begin_of_month(moment: datetime) -> datetime:
    """The first moment of its month in UTC: what is dropped by whole months is shown from there."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _months_before(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.year * _MONTHS_A_YEAR + moment.month - 1 - months, _MONTHS_A_YEAR)
    last = monthrange(years, month + 1)[1]
    return moment.replace(year=years, month=month + 1, day=min(moment.day, last))
