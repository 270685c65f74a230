"""From when on rows of each table are shown to people: what has expired is not, whether or not it was removed.

Whoever reads ClickHouse for people reads the views `<table>_live` and `<table>_current`, which say the same in SQL; who
walks over tables by their names, as the access report does, asks here. Invariant: both follow from the contract, and a
test compares them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from telemetry_platform.processing.calendar_cutoff import begin_of_month, cut_off
from telemetry_platform.usecases.expire.targets import Way, targets
from telemetry_platform.usecases.retention_policy import in_force

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from telemetry_platform.settings import Settings


def visible_from(settings: Settings, now: datetime) -> Mapping[str, datetime]:
    """The time of the oldest row that is shown, by table; a table without a retention is missing and shown whole.

    Rows that go by whole months are shown until their month has expired.
    """
    found: dict[str, datetime] = {}
    for name, target in targets(in_force(settings)).items():
        moment = cut_off(target.policy, now)
        by_month = target.way in {Way.PARTITIONS, Way.WITH_PARTITION}
        found[name] = begin_of_month(moment) if by_month else moment
    return MappingProxyType(found)
