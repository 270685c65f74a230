"""What a board declares: strict, so that a misspelt word is an error here and not an empty panel in Grafana.

Invariant: a panel says in plain words what it shows, and names every column of its answer with the engine's own type; a
test runs each query and compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

BOARDS = Path(__file__).parent / "boards"

Source = Literal["clickhouse", "postgres"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Limits(_Strict):
    """From where on a figure is good, and from where on it is bad: the thresholds of the product, or of an alert."""

    good: float
    warn: float
    better: Literal["lower", "higher"]

    @model_validator(mode="after")
    def _in_order(self) -> Limits:
        first, second = (self.good, self.warn) if self.better == "lower" else (self.warn, self.good)
        if first > second:
            raise ValueError("`good` and `warn` are in the wrong order for what is better")
        return self


class Variable(_Strict):
    """What a reader can choose at the top of a board: of the answer of a query, or of a list.

    `multi`: several at once, and all of them at first; not where figures of two would have to be averaged.
    """

    name: str = Field(pattern="^[a-z_]+$")
    label: str
    source: Source | None = None
    sql: str = ""
    choices: list[str] = []
    multi: bool = True

    @model_validator(mode="after")
    def _one_of_both(self) -> Variable:
        if bool(self.choices) == bool(self.sql) or bool(self.sql) != bool(self.source):
            raise ValueError(f"{self.name}: give either `choices`, or `source` and `sql`")
        return self


class Panel(_Strict):
    """One picture, its query, and the columns that the query answers with."""

    title: str
    description: str = Field(min_length=20)
    type: Literal["stat", "timeseries", "table"]
    source: Source
    columns: dict[str, str] = Field(min_length=1)
    sql: str
    unit: str = ""
    units: dict[str, str] = {}
    limits: Limits | None = None
    width: int = Field(12, ge=1, le=24)

    @model_validator(mode="after")
    def _whole(self) -> Panel:
        if self.type != "table" and not self.unit:
            raise ValueError(f"{self.title}: `unit` is missing")
        if self.type == "timeseries" and next(iter(self.columns)) != "time":
            raise ValueError(f"{self.title}: the first column of a panel over time is `time`")
        unknown = set(self.units) - set(self.columns)
        if unknown:
            raise ValueError(f"{self.title}: `units` names {', '.join(sorted(unknown))}, which is no column")
        return self


class Board(_Strict):
    """One dashboard."""

    uid: str = Field(pattern="^telemetry-[a-z-]+$")
    title: str
    description: str
    range: Literal["now-24h", "now-7d", "now-30d"]
    variables: list[Variable] = []
    panels: list[Panel] = Field(min_length=1)


def boards() -> list[Board]:
    """All of them, by the names of their files."""
    return [
        Board.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(BOARDS.glob("*.yml"))
    ]
