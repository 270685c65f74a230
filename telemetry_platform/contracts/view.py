"""A view that analysts read: figures of rollups by whole UTC days, without persons and with small groups withheld.

Invariants: views come in pairs, one by day and one (`*_between`) of a whole period, whose groups are judged as a whole;
no column is or holds a pseudonym of a person, a session or an address.
"""

from __future__ import annotations

from dataclasses import dataclass

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column

DAY = Column("day", "Date", "the UTC day, which has ended")
SINCE = Column("since", "Date", "the first UTC day of the period")
UNTIL = Column("until", "Date", "the UTC day after the last of the period")
FORBIDDEN = frozenset({"actor_hash", "address_hash", "session_id", "ip_truncated", "few_actors", "event_id"})
"""Columns that no view shows, by name."""


@dataclass(frozen=True)
class View:
    """One view. `source` is the rollup that it reads, `withholds` whether its groups consist of persons.

    `parameters` are what a `*_between` view is asked with; `keys` identify a row beside org_id.
    """

    name: str
    description: str
    source: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    parameters: tuple[Column, ...] = ()
    withholds: bool = True

    def __post_init__(self) -> None:
        """Raise TypeError for a column that no view may show."""
        wrong = FORBIDDEN & {column.name for column in self.columns}
        if wrong:
            raise TypeError(f"{self.name} shows {', '.join(sorted(wrong))}, which no analyst may see")


def view_pair(  # noqa: PLR0913 - a declaration
    daily: str,
    between: str,
    *,
    source: str,
    description: str,
    keys: tuple[Column, ...],
    measures: tuple[Column, ...],
    withholds: bool = True,
) -> tuple[View, View]:
    """The view by day and the one of a period."""
    named = tuple(column.name for column in keys)
    return (
        View(
            daily,
            f"{description}, by UTC day.",
            source,
            (c.ORG_ID, DAY, *keys, *measures),
            ("day", *named),
            withholds=withholds,
        ),
        View(
            between,
            f"{description}, of a whole period.",
            source,
            (c.ORG_ID, *keys, *measures),
            named,
            (SINCE, UNTIL),
            withholds=withholds,
        ),
    )


def counted(name: str, what: str) -> Column:
    """A number of things, as analysts see it."""
    return Column(name, "UInt64", f"{what}, rounded down to fives")


def figure(name: str, description: str, unit: str | None = None) -> Column:
    """A mean, a share or a quantile; NULL when fewer than five values are behind it."""
    return Column(name, "Float64", description, nullable=True, unit=unit)


def timing(name: str, what: str, *quantiles: int) -> tuple[Column, ...]:
    """The mean and quantiles of a duration, the latter from a histogram and at most 4.5 % off."""
    return (
        figure(f"mean_{name}_ms", f"mean {what}", "ms"),
        *(figure(f"p{level}_{name}_ms", f"{level}th percentile of the {what}", "ms") for level in quantiles),
    )


HEALTH = (
    counted("sessions", "sessions of people, bots left out"),
    figure("completed_share", "share of sessions that were completed, 0 to 1"),
    figure("abandoned_share", "share of sessions that were abandoned, 0 to 1"),
    figure("fatal_share", "share of sessions whose playback an error ended, 0 to 1"),
    figure("stalled_share", "share of sessions with a stall, neither startup nor seek, 0 to 1"),
    figure("stalls_per_session", "stalls a session, neither startup nor seek"),
    figure("mean_completion", "mean share of the medium that was watched, 0 to 1"),
    *timing("ttfb", "time to the first byte", 50, 95),
    *timing("load", "time until the medium could play", 95),
    *timing("startup", "startup time", 50, 95),
)
