"""The data files of an archive, one after the other, each streamed from where its rows rest.

Invariant: a file is written even when it is empty: a file that is missing would say nothing, an empty one says that
there was nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts import evidence_files as files
from telemetry_platform.contracts.audit_chain import Position
from telemetry_platform.contracts.evidence import Stretch
from telemetry_platform.processing.checkpoints import write_checkpoint
from telemetry_platform.processing.evidence_lines import line, trail_line
from telemetry_platform.stores import evidence, trail_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from telemetry_platform.contracts.evidence import DataFile
    from telemetry_platform.processing.evidence_figures import Figures
    from telemetry_platform.stores.evidence import Row
    from telemetry_platform.stores.evidence_archive import ArchiveWriter
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.evidence.checkpoints import Chosen
    from telemetry_platform.usecases.evidence.scope import Scope

_BY_TIME = {
    "verifications": files.VERIFICATIONS,
    "policy": files.POLICY,
    "runs": files.RUNS,
    "erasures": files.ERASURES,
    "syncs": files.SYNCS,
    "keys": files.KEY_EPOCHS,
    "keks": files.KEKS,
    "holds": files.HOLDS,
    "attacks": files.ATTACKS,
    "gaps": files.GAPS,
}
"""Statements that ask for nothing but the period."""


@dataclass(frozen=True)
class Files:
    """One archive's."""

    archive: ArchiveWriter
    conn: Connection
    warehouse: Warehouse
    scope: Scope
    figures: Figures

    def write(self, chosen: Chosen, verification: dict[str, Any]) -> Stretch | None:
        """All of them; which rows of the trail are in it."""
        checkpoints = self.archive.add_lines(files.CHECKPOINTS.name, chosen.lines())
        self.figures.rows[files.CHECKPOINTS.name] = checkpoints.rows or 0
        stated = (write_checkpoint(one) + b"\n" for one in chosen.stated)
        self.figures.rows[files.RESUMPTIONS.name] = self.archive.add_lines(files.RESUMPTIONS.name, stated).rows or 0
        self.figures.restores = len(chosen.restores)
        stretch, given = self._stretch(chosen)
        self._rows(files.TRAIL, "trail_rows", given | {"actions": None}, trail_line)
        actions = [action.name for action in files.ACCESS]
        self._rows(files.READERS, "trail_rows", given | {"actions": actions}, trail_line)
        self._rows(files.ANCHORS, "anchors", {})
        self._add(files.FRESH, [verification])
        for query, file in _BY_TIME.items():
            self._rows(file, query, self._period(file.table))
        begins, ends = self.scope.since(files.DROPS.table), self.scope.period.ends
        self._add(files.DROPS, evidence.drops_by_day(self.warehouse, begins, ends))
        return stretch

    def _stretch(self, chosen: Chosen) -> tuple[Stretch | None, dict[str, Any]]:
        """The rows of the period, and those on either side of it as far as the next checkpoint; where to look."""
        begins, until_seq = self._begins(chosen), max(chosen.seen, self.scope.last_seq)
        # A row that a checkpoint saw and that is not there: whoever verifies finds it missing.
        until = trail_chain.recorded_at(self.conn, until_seq) or self.scope.period.ends
        ends = evidence.trail_ends(self.conn, begins, until, until_seq)
        given = {"begins": begins, "until": until, "until_seq": until_seq}
        if ends is None:
            return None, given
        start, end = Position(ends.first_seq - 1, ends.first_prev_hash), Position(ends.last_seq, ends.last_hash)
        return Stretch(start, end, max(end.seq - chosen.seen, 0)), given

    def _begins(self, chosen: Chosen) -> datetime:
        """When what follows the checkpoint before the period was recorded; without one, the trail's beginning."""
        if chosen.begins_behind is None:
            return self.scope.trail_visible_from
        begins = self.scope.since(files.TRAIL.table)
        followed = trail_chain.recorded_at(self.conn, chosen.begins_behind + 1)
        return begins if followed is None else max(min(begins, followed), self.scope.trail_visible_from)

    def _period(self, table: str) -> dict[str, datetime]:
        return {"begins": self.scope.since(table), "ends": self.scope.period.ends}

    def _rows(self, file: DataFile, query: str, given: dict[str, Any], written: Callable[[Row], bytes] = line) -> None:
        self._add(file, evidence.rows(self.conn, query, given), written)

    def _add(self, file: DataFile, rows: Iterable[Row], written: Callable[[Row], bytes] = line) -> None:
        self.archive.add_lines(file.name, map(written, self.figures.seeing(file, rows)))
