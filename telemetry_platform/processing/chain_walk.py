"""The walk along the audit trail: row by row, over anchors, past checkpoints, until something is not as it was written.

Invariant: it holds one row and the next one, whatever the trail's length; it believes no hash that it has not
computed, but for those that a signature stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from telemetry_platform.contracts.audit_chain import BEGINNING, Position
from telemetry_platform.processing.audit_chain import row_hash
from telemetry_platform.processing.checkpoints import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from telemetry_platform.contracts.audit_chain import Anchor, Checkpoint


class ChainRow(NamedTuple):
    """A row as far as the chain goes: `form` is its canonical form, the hashes are those that rest."""

    seq: int
    form: bytes
    prev_hash: str
    row_hash: str


@dataclass(frozen=True)
class Fault:
    """The first place that is not as it was written (None: the fault is among the checkpoints), and what is wrong."""

    seq: int | None
    reason: str


@dataclass(frozen=True)
class Walked:
    """How far a walk came, what it looked at, and what stopped it."""

    end: Position
    rows: int
    anchors: int
    checkpoints: int
    fault: Fault | None = None


class _Broken(Exception):  # noqa: N818 - it ends the walk within this module and is no error of anybody else
    def __init__(self, seq: int | None, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(seq, reason)


def walk(
    rows: Iterable[ChainRow],
    anchors: Mapping[int, Anchor],
    checkpoints: Iterable[Checkpoint],
    *,
    start: Position = BEGINNING,
    head: Position | None = None,
) -> Walked:
    """Walk from behind `start` to the end, which must be `head` where one is given.

    `rows` in the order of the trail, `anchors` by their first seq, all of them signed by a key that counts;
    `checkpoints` in their order, none before `start`.
    """
    path = _Path(start, anchors, iter(checkpoints))
    try:
        path.begin()
        for row, following in _with_next(rows):
            path.reach(row, following)
            path.take(row)
        path.over_anchors()
        path.end(head)
    except _Broken as broken:
        return path.walked(broken.fault)
    return path.walked(None)


class _Path:
    """Where the walk is."""

    def __init__(self, start: Position, anchors: Mapping[int, Anchor], checkpoints: Iterator[Checkpoint]) -> None:
        self._at = start
        self._anchors = anchors
        self._checkpoints = checkpoints
        self._next: Checkpoint | None = None
        self._believed = start.seq
        self._counts = {"rows": 0, "anchors": 0, "checkpoints": 0}

    def begin(self) -> None:
        """Look at the first checkpoint."""
        self._ask()
        self._look_up()

    def walked(self, fault: Fault | None) -> Walked:
        return Walked(self._at, fault=fault, **self._counts)

    def reach(self, row: ChainRow, following: ChainRow | None) -> None:
        """Come to the place before this row, over what retention has dropped."""
        expected = self._at.seq + 1
        if row.seq != expected:
            self.over_anchors(row.seq)
            expected = self._at.seq + 1
        if row.seq == expected:
            return
        if row.seq < expected:
            raise _Broken(row.seq, "a row that does not belong there: its place is taken")
        if following is not None and following.seq == expected:
            raise _Broken(row.seq, "the row is not where it was written")
        raise _Broken(expected, f"rows {expected} to {row.seq - 1} are missing")

    def take(self, row: ChainRow) -> None:
        """One row: its hashes are those that its content and the row before it give."""
        if row.prev_hash != self._at.row_hash:
            raise _Broken(row.seq, "the row does not follow the one before it")
        computed = row_hash(row.prev_hash, row.form)
        if computed != row.row_hash:
            raise _Broken(row.seq, "the row is not what was written")
        self._counts["rows"] += 1
        self._move(Position(row.seq, computed))

    def over_anchors(self, until: int | None = None) -> None:
        """Over the anchors that begin here, as far as they end before the row `until`."""
        while True:
            anchor = self._anchors.get(self._at.seq + 1)
            if anchor is None or (until is not None and anchor.last_seq >= until):
                return
            if anchor.prev_hash != self._at.row_hash:
                raise _Broken(
                    anchor.first_seq, f"the anchor of {anchor.partition_name} does not follow the row before it"
                )
            self._counts["anchors"] += 1
            # What a checkpoint saw within the partition cannot be looked at any more.
            self._skip(anchor.last_seq)
            self._move(Position(anchor.last_seq, anchor.last_hash))

    def end(self, head: Position | None) -> None:
        """Nothing may have been seen behind the last row, and the database's own idea of the end must be this."""
        if self._next is not None:
            raise _Broken(
                self._at.seq + 1,
                f"the trail is cut off: checkpoint {self._next.number} saw it up to {self._next.seq}",
            )
        if head is not None and head != self._at:
            seq = self._at.seq + 1 if head.seq != self._at.seq else self._at.seq
            raise _Broken(seq, f"the trail's head is at {head.seq} and its rows end at {self._at.seq}")

    def _look_up(self) -> None:
        """Compare with the checkpoints that saw the trail end here."""
        while self._next is not None and self._next.seq == self._at.seq:
            if self._next.head_hash != self._at.row_hash:
                first = min(self._believed + 1, self._at.seq)
                raise _Broken(
                    first, f"rows {first} to {self._at.seq} are not those that checkpoint {self._next.number} saw"
                )
            self._counts["checkpoints"] += 1
            self._believed = self._at.seq
            self._ask()

    def _move(self, to: Position) -> None:
        self._at = to
        self._look_up()

    def _skip(self, before: int) -> None:
        while self._next is not None and self._next.seq < before:
            self._counts["checkpoints"] += 1
            self._ask()

    def _ask(self) -> None:
        try:
            self._next = next(self._checkpoints, None)
        except CheckpointError as error:
            raise _Broken(None, str(error)) from None


def _with_next(rows: Iterable[ChainRow]) -> Iterator[tuple[ChainRow, ChainRow | None]]:
    """Each row with the one after it."""
    before: ChainRow | None = None
    for row in rows:
        if before is not None:
            yield before, row
        before = row
    if before is not None:
        yield before, None
