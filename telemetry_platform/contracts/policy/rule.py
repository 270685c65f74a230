"""What a rule of the policy is, and what it finds.

Rules read declarations alone and know no kind by its name: what is right for one kind only stands in its contract, as
an exception with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.contracts.event_kind import EventKind

    Check: TypeAlias = Callable[[EventKind], Iterator["Fault"]]


@dataclass(frozen=True)
class Fault:
    """A place that breaks a rule (`Model.field`, `table.column`, an endpoint, the kind), and what to write instead."""

    where: str
    what: str


@dataclass(frozen=True)
class Rule:
    """A rule: its name, a sentence that is true of every kind that keeps it, and what finds the faults of one."""

    name: str
    sentence: str
    check: Check


@dataclass(frozen=True)
class Finding:
    """A fault that no exception covers, or an exception that covers nothing."""

    kind: str
    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        """The finding, as whoever wrote the contract reads it."""
        return f"{self.kind}: {self.where}: {self.what} [{self.rule}]"
