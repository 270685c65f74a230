"""The signed checkpoints that go into an archive: those of the period, with one on either side.

Between the one before and the first one behind no row can be left out unseen: the rows of an archive reach from the one
to the other. Invariant: a file among the checkpoints that cannot be read is taken along as it is, for whoever
verifies to find, and never left out.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telemetry_platform.processing.checkpoints import (
    CheckpointError,
    Resumption,
    is_superseded,
    read_checkpoint,
    verified,
)
from telemetry_platform.processing.evidence_resumptions import still_there

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry_platform.contracts.audit_chain import Checkpoint
    from telemetry_platform.contracts.evidence import Period
    from telemetry_platform.processing.signing import PublicKey
    from telemetry_platform.stores.checkpoint_folder import CheckpointFolder

_DAY = "%Y/%m/%d"


@dataclass
class Chosen:
    """The checkpoints of a period; `newest` was the newest one before the database was looked at.

    Later ones may have seen rows that the archive has not. `last_seq` is the last place that the trail reached in the
    period, `stated` are all restores. Once checkpoints were taken, `before` is the one before the period, `seen` the
    furthest that any of them saw of what is still the trail, and `restores` those that lost what one of them saw.
    """

    folder: CheckpointFolder
    period: Period
    newest: Checkpoint | None
    last_seq: int
    stated: tuple[Checkpoint, ...] = ()
    before: Checkpoint | None = None
    seen: int = 0
    restores: set[int] = field(default_factory=set)

    def lines(self) -> Iterator[bytes]:
        """One by one, as they rest."""
        days, first = self.folder.days(), self.period.begins.strftime(_DAY)
        earlier = [day for day in days if day < first]
        for line in self.folder.read_day(earlier[-1])[-1:] if earlier else ():
            self.before = read(line)
            yield self._taken(line)
        for day in days[len(earlier) :]:
            for line in self.folder.read_day(day):
                one = read(line)
                if one is not None and self.newest is not None and one.number > self.newest.number:
                    return
                yield self._taken(line)
                if one is not None and one.taken_at >= self.period.ends and self.seen >= self.last_seq:
                    return

    @property
    def resumptions(self) -> tuple[Resumption, ...]:
        """Where the trail went on after restores."""
        return tuple(Resumption(one.number, one.resumes_at) for one in self.stated if one.resumes_at is not None)

    @property
    def begins_behind(self) -> int | None:
        """The last place before the period that is still the trail's; None when no checkpoint says it."""
        return None if self.before is None else still_there(self.before, self.resumptions)

    def _taken(self, line: bytes) -> bytes:
        one = read(line)
        if one is not None:
            resumptions = self.resumptions
            self.seen = self.seen if is_superseded(one, resumptions) else max(self.seen, one.seq)
            self.restores |= {each.number for each in resumptions if each.number == one.number}
            self.restores |= {each.number for each in resumptions if is_superseded(one, (each,))}
        return line.replace(b"\n", b" ") + b"\n"


def stated_restores(folder: CheckpointFolder, keys: Mapping[str, PublicKey]) -> tuple[Checkpoint, ...]:
    """All checkpoints by which somebody stated a restore, under a signature that counts; there are few."""
    found: list[Checkpoint] = []
    for day in folder.days():
        for line in folder.read_day(day):
            if b'"resumes_at":null' not in line and (one := read(line)) is not None and one.resumes_at is not None:
                with suppress(CheckpointError):
                    found += verified([one], keys)
    return tuple(found)


def newest_of(folder: CheckpointFolder) -> Checkpoint | None:
    """The newest one, believed or not; None where there is none, or where it cannot be read."""
    days = folder.days()
    lines = folder.read_day(days[-1]) if days else []
    return read(lines[-1]) if lines else None


def document(checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    """What a manifest says of the newest one."""
    if checkpoint is None:
        return None
    return {
        "number": checkpoint.number,
        "seq": checkpoint.seq,
        "head_hash": checkpoint.head_hash,
        "taken_at": checkpoint.taken_at.isoformat(),
        "key_id": checkpoint.key_id,
    }


def read(line: bytes) -> Checkpoint | None:
    """What a line says; None for one that is no checkpoint."""
    try:
        return read_checkpoint(line)
    except CheckpointError:
        return None
