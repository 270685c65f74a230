"""Sums as figures: means, shares and percentiles, each with the number that it rests on.

Invariants: a figure of nothing is None, never 0 and never NaN; a mean is the sum of all values over their number,
whatever rows the sums come from. For whoever may not see small groups, counts go down to fives and a figure of fewer
than five values is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry_platform.processing.small_groups import FEWEST_ACTORS, Group, disclose, round_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

Row = dict[str, Any]
_TIMES = (("ttfb", "ttfb_ms"), ("load_time", "load_ms"), ("startup", "startup_ms"))
_MEANS = (
    ("avg_buffering_count", "buffering_count"),
    ("avg_buffering_duration_ms", "buffering_duration_ms"),
    ("avg_completion", "completion"),
    ("startup_score", "startup_score"),
    ("smoothness_score", "smoothness_score"),
    ("success_score", "success_score"),
)
_SHARES = (("completion_rate", "completed"), ("abandonment_rate", "abandoned"), ("error_rate", "fatal_sessions"))


@dataclass(frozen=True)
class Shown:
    """Rows that may be shown, in their order, and how many are withheld."""

    rows: tuple[Row, ...]
    withheld: int = 0


@dataclass(frozen=True)
class Teller:
    """Tells figures exactly, or as analysts see them."""

    exact: bool

    def count(self, value: int) -> int:
        """A count."""
        return int(value) if self.exact else round_down(int(value))

    def mean(self, total: float, n: float) -> float | None:
        """A sum over its number."""
        if n <= 0 or (not self.exact and n < FEWEST_ACTORS):
            return None
        return steady(total) / float(n)

    def share(self, part: float, whole: float, n: int) -> float | None:
        """A part of a whole that is no number of values; `n` values are behind it."""
        return None if whole <= 0 or (not self.exact and n < FEWEST_ACTORS) else steady(part) / steady(whole)

    def of(self, value: float | None, n: int) -> float | None:
        """A percentile of so many values."""
        return None if value is None or n <= 0 or (not self.exact and n < FEWEST_ACTORS) else float(value)


def steady(total: float) -> float:
    """A sum to twelve digits: the rest depends on the order in which threads add up, and an answer's tag must not.

    The sum and not the figure is cut: what was measured to the thousandth often has means that lie on the edge of a
    digit, and sums that never do.
    """
    return float(f"{total:.12g}")


def permitted(rows: Sequence[Row], key: str, *, exact: bool, allowed: AbstractSet[str] | None = None) -> Shown:
    """The rows that may be shown; each has `marks` and `n`. `allowed`: of these alone, where another rule says so, too.

    A row that another rule withholds has five persons itself, so those that are withheld together stay enough.
    """
    if exact:
        return Shown(tuple(rows))
    found = disclose([Group(str(row[key]), int(row["n"]), frozenset(row["marks"])) for row in rows])
    keys = {group.key for group in found.shown}
    shown = tuple(row for row in rows if str(row[key]) in keys and (allowed is None or row[key] in allowed))
    return Shown(shown, len(rows) - len(shown))


def values_that_show(rows: Iterable[Row], media_id: str) -> frozenset[str]:
    """The values of a dimension in which a medium may be shown, by rows of all media (value, media_id, n, marks).

    All media of a value are one list, whichever is asked for: one after the other, they could be taken from the total.
    """
    by_value: dict[str, list[Group]] = {}
    for row in rows:
        by_value.setdefault(row["value"], []).append(Group(row["media_id"], int(row["n"]), frozenset(row["marks"])))
    return frozenset(
        value for value, groups in by_value.items() if any(each.key == media_id for each in disclose(groups).shown)
    )


def bandwidth(row: Row, tell: Teller) -> Row:
    """The figures of a group of sessions, as the bandwidth statistics have them."""
    sessions = int(row["sessions"])
    figures: Row = {"total_sessions": tell.count(sessions)}
    numbers: Row = {"total_sessions": tell.count(sessions)}
    for name, column in _TIMES:
        n = int(row[f"{column}_count"])
        figures[f"avg_{name}_ms"] = tell.mean(row[f"{column}_sum"], n)
        figures[f"p95_{name}_ms"] = tell.of(row[f"{column}_p95"], n)
        numbers[f"avg_{name}_ms"] = numbers[f"p95_{name}_ms"] = tell.count(n)
    for name, column in _MEANS:
        n = int(row[f"{column}_count"])
        figures[name], numbers[name] = tell.mean(row[f"{column}_sum"], n), tell.count(n)
    # How many sessions tell a bitrate is not counted: it may be one.
    figures["avg_bitrate"] = tell.share(row["bitrate_seconds"], row["bitrate_weight"], sessions) if tell.exact else None
    for name, column in _SHARES:
        figures[name], numbers[name] = tell.mean(row[column], sessions), tell.count(sessions)
    played = row["stall_ms"] + 1000 * row["watched_seconds"]
    told = int(row["smoothness_score_count"])
    figures["stalled_share"] = tell.share(row["stall_ms"], played, told)
    numbers["stalled_share"] = tell.count(told)
    figures["stalls_per_session"] = tell.mean(row["stall_count"], sessions)
    numbers["stalls_per_session"] = tell.count(sessions)
    return {**figures, "n": numbers}


def sessions(row: Row, tell: Teller) -> Row:
    """Totals and distributions of all sessions."""
    names = ("started", "completed", "abandoned", "fatal_sessions", "stalled_sessions", "never_played", "error_count")
    return {
        **bandwidth(row, tell),
        "totals": {name: tell.count(row[name]) for name in names},
        "startup_distribution": distribution(row["startup_ms_histogram"], tell),
        "ttfb_distribution": distribution(row["ttfb_ms_histogram"], tell),
    }


def stalls(row: Row, tell: Teller) -> Row:
    """The figures of the stalls of one cause."""
    n = int(row["stalls"]) - int(row["open_stalls"])
    return {
        "cause": row["cause"],
        "stalls": tell.count(row["stalls"]),
        "avg_duration_ms": tell.mean(row["duration_ms_sum"], n),
        "p95_duration_ms": tell.of(row["duration_ms_p95"], n),
        "distribution": distribution(row["duration_ms_histogram"], tell, "stalls"),
        "n": {"avg_duration_ms": tell.count(n), "p95_duration_ms": tell.count(n)},
    }


def distribution(histogram: Sequence[int], tell: Teller, name: str = "sessions") -> list[Row]:
    """How many lie below each power of two of a millisecond and not below the one before; empty ones are left out."""
    bounds = [(0, 1.0)] + [(8 * octave, float(2**octave)) for octave in range(1, 21)]
    found: list[Row] = []
    last = -1
    for index, upper in bounds:
        count = tell.count(sum(histogram[last + 1 : index + 1]))
        last = index
        # What was rounded down to nothing is left out like nothing: a 0 would say that somebody is there.
        if count:
            found.append({"below_ms": upper, name: count})
    beyond = tell.count(sum(histogram[last + 1 :]))
    if beyond:
        found.append({"below_ms": None, name: beyond})
    return found
