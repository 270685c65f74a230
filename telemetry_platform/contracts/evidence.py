"""An evidence archive: the period that it is about, the files in it, and what its manifest says of itself and of them.

Invariant: `FORMAT` names the shape of all of it. An auditor verifies an archive years later, with whatever release
there is then, so that a change of a file's shape, or of what a check expects of it, takes another name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from telemetry_platform.errors import ContractViolationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.contracts.audit_chain import Position
    from telemetry_platform.contracts.retention_runs import ChainState

FORMAT = "telemetry-evidence/1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
README, SUMMARY = "README.md", "summary.html"
KEYS = "keys/"
"""Folder of the public keys, `keys/<id>.pem`."""
_YEARS = (2000, 2200)


@dataclass(frozen=True)
class Period:
    """Whole days in UTC, the first and the last one included."""

    first_day: date
    last_day: date

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.first_day, time(), UTC)

    @property
    def ends(self) -> datetime:
        """The first moment that is not in it any more."""
        return datetime.combine(self.last_day + timedelta(days=1), time(), UTC)


def period(first_day: date, last_day: date) -> Period:
    """A period. Raises ContractViolationError for one that ends before it begins, or of years that cannot be meant."""
    if not (first_day.year >= _YEARS[0] and last_day.year <= _YEARS[1]):
        raise ContractViolationError(f"the period must lie within the years {_YEARS[0]} to {_YEARS[1]}")
    if last_day < first_day:
        raise ContractViolationError(
            f"the period ends on {last_day}, before it begins on {first_day}: --to is its last day"
        )
    return Period(first_day, last_day)


@dataclass(frozen=True)
class DataFile:
    """One file of JSON lines: what a line is, and what its fields hold; `table` is where the rows rest."""

    name: str
    title: str
    holds: str
    table: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """One file of the archive; `rows` is how many lines of JSON it has, None for what is no data."""

    name: str
    sha256: str
    size: int
    rows: int | None = None


@dataclass(frozen=True)
class Stretch:
    """The rows of the trail in an archive: `start` is the place before the first one, `end` that of the last one.

    `unseen` is how many of them, at the end, no checkpoint of the archive has seen.
    """

    start: Position
    end: Position
    unseen: int


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself. `stretch` None: no row was recorded in the period.

    `runs` is where the retention runs in it begin and end; `trail_head` and `newest_checkpoint` are where the trail
    ended, and what was signed outside the database, when the archive was made; `red` is what the platform found wrong.
    """

    archive_id: str
    period: Period
    generated_at: datetime
    platform_version: str
    key_id: str
    trail_head: Position
    newest_checkpoint: Mapping[str, object] | None
    stretch: Stretch | None
    runs: ChainState | None
    red: tuple[str, ...]
    files: tuple[Entry, ...]
