"""Grafana's macros and variables, expanded as its data sources do: the one place where the tests stand in for Grafana.

Invariant: a macro that is not known here fails the test of whoever uses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from dashboards.declaration import Source

_VARIABLE = re.compile(r"\$\{(\w+):singlequote\}")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Window:
    """What a reader chose at the top of a board."""

    since: datetime
    until: datetime
    interval_seconds: int
    chosen: Mapping[str, Sequence[str]]

    def expand(self, sql: str, source: Source) -> str:
        """The statement that the data source would send."""
        expanded = _VARIABLE.sub(lambda found: ",".join(f"'{value}'" for value in self.chosen[found[1]]), sql)
        expanded = expanded.replace("$__interval_s", str(self.interval_seconds))
        expanded = expanded.replace("$__interval", f"{self.interval_seconds}s")
        macros = self._postgres() if source == "postgres" else self._clickhouse()
        for name, written in macros.items():
            expanded = _replace_calls(expanded, name, written)
        assert "$" not in expanded, f"no such macro or variable: {expanded[expanded.index('$') :][:60]}"
        return expanded

    def _postgres(self) -> dict[str, Callable[[list[str]], str]]:
        since, until = self.since.isoformat(), self.until.isoformat()
        return {
            "$__timeFilter": lambda given: f"{given[0]} BETWEEN '{since}' AND '{until}'",
            "$__timeGroup": lambda given: (
                f"floor(extract(epoch from {given[0]})/{_seconds(given[1])})*{_seconds(given[1])}"
            ),
        }

    def _clickhouse(self) -> dict[str, Callable[[list[str]], str]]:
        since, until = round(self.since.timestamp()), round(self.until.timestamp())
        return {
            "$__timeFilter": lambda given: f"{given[0]} >= toDateTime({since}) AND {given[0]} <= toDateTime({until})",
            "$__timeInterval": lambda given: (
                f"toStartOfInterval(toDateTime({given[0]}), INTERVAL {self.interval_seconds} second)"
            ),
            "$__dateFilter": lambda given: (
                f"{given[0]} >= toDate('{self.since:%Y-%m-%d}') AND {given[0]} <= toDate('{self.until:%Y-%m-%d}')"
            ),
            "$__fromTime": lambda _: f"toDateTime({since})",
            "$__toTime": lambda _: f"toDateTime({until})",
        }


def _seconds(written: str) -> int:
    bare = written.strip("'\"")
    return int(bare[:-1]) * _SECONDS[bare[-1]]


def _replace_calls(sql: str, name: str, written: Callable[[list[str]], str]) -> str:
    """Replace each call of a macro; one without arguments stands by itself.

    Arguments end at the first bracket that closes, as for Grafana: what needs brackets of its own belongs outside.
    """
    call = re.compile(re.escape(name) + r"(?!\w)(?:\(([^()]*)\))?")

    def expanded(found: re.Match[str]) -> str:
        return written([part.strip() for part in (found[1] or "").split(",")])

    return call.sub(expanded, sql)
