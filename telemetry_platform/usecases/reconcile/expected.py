"""What must be true of a run, and the lines that say whether it is.

Invariant: the expectation comes from whoever knows the truth; nothing here asks the code under test what it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Key = tuple[str, str]


@dataclass(frozen=True)
class Posted:
    """Events of one kind that were sent: the answers that had to come, and those that came.

    `reasons` are refusals that had to name a reason or a field, `told` those that named the right one.
    """

    answers: Mapping[str, int]
    answered: Mapping[str, int]
    reasons: int = 0
    told: int = 0


@dataclass(frozen=True)
class ExpectedRow:
    """What a stored row must say.

    `columns` are values. `alike` are columns whose value cannot be foretold (pseudonyms, fingerprints): `scope:name`
    says that rows of one name hold one value, and no row of another name of the scope holds it.
    """

    columns: Mapping[str, Any]
    alike: Mapping[str, str]


@dataclass(frozen=True)
class Expected:
    """The truth of a run.

    `posted` is by kind. `outcomes` counts entries by kind and by what becomes of them. `drops` is by (kind, level,
    reason). `rows` holds, by kind and by (tenant, event id), every row that must be there; of a kind without an entry
    only their number is known. `accesses` are views by person, `opt_outs` persons whose browsers sent a privacy signal
    with their token. `sessions` holds, by tenant and session id, the columns
    that are known.
    """

    unanswered: int
    posted: Mapping[str, Posted]
    outcomes: Mapping[str, Mapping[str, int]]
    drops: Mapping[tuple[str, int, str], int]
    rows: Mapping[str, Mapping[Key, ExpectedRow]]
    accesses: Mapping[str, int]
    stalls: Mapping[str, int]
    sessions: Mapping[Key, Mapping[str, Any]]
    opt_outs: int = 0


@dataclass(frozen=True)
class Line:
    """One number that must be the same on both sides; `part` is what it belongs to.

    Lines of one `group` may be shown as their sum, as long as all of them add up.
    """

    part: str
    name: str
    expected: int
    found: int
    group: str = ""

    @property
    def adds_up(self) -> bool:
        """Both sides agree."""
        return self.expected == self.found


@dataclass(frozen=True)
class Reconciliation:
    """All lines, and the kinds that nothing was told of: nothing is known of them, and nothing is wrong with that."""

    lines: tuple[Line, ...]
    not_simulated: tuple[str, ...] = ()

    @property
    def differences(self) -> tuple[Line, ...]:
        """The lines that do not add up; empty is what everybody wants."""
        return tuple(line for line in self.lines if not line.adds_up)
