"""Comparing several days of a rollup, where one that does not stand still keeps no other from being looked at."""

from datetime import date

from telemetry_platform.contracts.rollup import Rollup
from telemetry_platform.errors import TransientError
from telemetry_platform.usecases.drain.stores import DrainStores
from telemetry_platform.usecases.rollups.verify import Verdict, verify_day


def compared_days(stores: DrainStores, rollup: Rollup, days: list[date]) -> tuple[dict[date, Verdict], list[date]]:
    """What the days came to, and those that did not stand still for long enough."""
    found: dict[date, Verdict] = {}
    moved: list[date] = []
    for day in days:
        try:
            found[day] = verify_day(stores, rollup, day)
        except TransientError:
            moved.append(day)
    return found, moved
