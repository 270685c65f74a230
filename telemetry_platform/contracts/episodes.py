"""What detection counts and finds: marks in time, and the episodes and steps that rules make of them.

Invariant: pure data, with no name of a person in it; a mark names an event by its id alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry_platform.contracts.detection import Severity


@dataclass(frozen=True, order=True)
class Mark:
    """One event of a group: when (in milliseconds), which, how many it stands for, the value that is told apart."""

    at: int
    event: str
    weight: int = 1
    value: str = ""


@dataclass(frozen=True)
class Step:
    """An episode has become so bad: what was measured at that moment, and since when what was counted had come."""

    severity: Severity
    at: int
    first_at: int
    measure: int
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Episode:
    """A stretch of time in which a threshold was reached again and again, and the steps by which it worsened.

    `began_at` is its identity and never changes.
    """

    began_at: int
    last_at: int
    steps: tuple[Step, ...] = ()
