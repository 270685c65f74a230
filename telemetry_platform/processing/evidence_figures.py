"""What the files of an evidence archive come to, counted row by row while they are written.

Invariant: nothing of any size is held; what is counted by a name is counted by one of ours (a table, a status, an
action), never by anything that a person or a tenant chose.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts import evidence_files as files
from telemetry_platform.contracts.retention_runs import ChainState
from telemetry_platform.processing.evidence_certificates import certificate_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from telemetry_platform.contracts.evidence import DataFile

Row = dict[str, Any]
LEFT_OVER = frozenset({"partial", "postponed", "stalled", "failed", "interrupted"})
"""How a run of a table ends that has not done all of what had to be done."""


@dataclass
class RunFigures:
    """Retention runs; `newest` is of each table the newest one that was no dry run."""

    state: ChainState | None = None
    real: int = 0
    dry: int = 0
    rows: int = 0
    partitions: int = 0
    newest: dict[str, Row] = field(default_factory=dict)

    def see(self, row: Row) -> None:
        """One proof, in the order of their chain."""
        begins = self.state or ChainState(row["number"], row["prev_hash"], 0, "")
        self.state = replace(begins, last_number=row["number"], last_hash=row["row_hash"])
        if row["dry_run"]:
            self.dry += 1
            return
        self.real += 1
        self.rows += row["rows_dropped"]
        self.partitions += row["partitions_dropped"]
        self.newest[row["table_name"]] = row

    @property
    def unfinished(self) -> list[str]:
        """Tables whose newest run left what it should have removed, each with how it ended."""
        return [
            f"{name} ({row['status']}, {row['expired_after']:,} expired rows left)"
            for name, row in sorted(self.newest.items())
            if row["status"] in LEFT_OVER or row["expired_after"]
        ]


@dataclass
class Figures:
    """All of them; `rows` is how many lines each file has."""

    rows: Counter[str] = field(default_factory=Counter)
    access: Counter[str] = field(default_factory=Counter)
    verification: Row = field(default_factory=dict)
    failed_verifications: int = 0
    restores: int = 0
    policy_changes: int = 0
    runs: RunFigures = field(default_factory=RunFigures)
    erasures: Counter[str] = field(default_factory=Counter)
    bad_certificates: int = 0
    oldest_open_erasure: datetime | None = None
    syncs: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    holds: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    attacks: Counter[str] = field(default_factory=Counter)

    def seeing(self, file: DataFile, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, counted as they go by."""
        see = _SEE.get(file.name)
        for row in rows:
            self.rows[file.name] += 1
            if see is not None:
                see(self, row)
            yield row

    def see_access(self, row: Row) -> None:
        """Somebody was shown something."""
        self.access[row["action"]] += 1

    def see_fresh(self, row: Row) -> None:
        """The verification that was made for the archive."""
        self.verification = row

    def see_verification(self, row: Row) -> None:
        """One that was made in the period."""
        self.failed_verifications += not row["ok"]

    def see_policy(self, row: Row) -> None:
        """A word on how long a table is kept."""
        self.policy_changes += row["is_new"]

    def see_run(self, row: Row) -> None:
        """A proof of retention."""
        self.runs.see(row)

    def see_erasure(self, row: Row) -> None:
        """An erasure."""
        self.erasures[row["status"]] += 1
        if row["status"] == "certified":
            self.bad_certificates += certificate_fault(row) is not None
        elif row["status"] != "held" and (
            self.oldest_open_erasure is None or row["requested_at"] < self.oldest_open_erasure
        ):
            self.oldest_open_erasure = row["requested_at"]

    def see_sync(self, row: Row) -> None:
        """A sync of the exclusion list."""
        self.syncs["succeeded" if row["status"] == "succeeded" else "failed"] += 1

    def see_key(self, row: Row) -> None:
        """A pseudonym key."""
        self.keys[key_word(row)] += 1

    def see_hold(self, row: Row) -> None:
        """A legal hold."""
        self.holds["in force" if row["released_at"] is None else "released"] += 1

    def see_gap(self, row: Row) -> None:
        """Entries that did not arrive."""
        word = "closed" if row["closed_at"] else "explained" if row["explained_at"] else "open"
        self.gaps[word] += 1

    def see_drop(self, row: Row) -> None:
        """Events that were kept out, of one kind and day."""
        self.drops[row["reason"]] += row["events"]

    def see_attack(self, row: Row) -> None:
        """Security events of one type and day."""
        self.attacks[row["severity"]] += row["events"]


_SEE = {
    files.READERS.name: Figures.see_access,
    files.FRESH.name: Figures.see_fresh,
    files.VERIFICATIONS.name: Figures.see_verification,
    files.POLICY.name: Figures.see_policy,
    files.RUNS.name: Figures.see_run,
    files.ERASURES.name: Figures.see_erasure,
    files.SYNCS.name: Figures.see_sync,
    files.KEY_EPOCHS.name: Figures.see_key,
    files.HOLDS.name: Figures.see_hold,
    files.GAPS.name: Figures.see_gap,
    files.DROPS.name: Figures.see_drop,
    files.ATTACKS.name: Figures.see_attack,
}


def key_word(row: Mapping[str, Any]) -> str:
    """How far the destruction of a key has come."""
    if row["destruction_begun_at"] is None:
        return "kept"
    done = row["bytes_removed_at"] is not None and not row["living_keks"]
    return "destroyed" if done else "being destroyed"
