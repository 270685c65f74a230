"""Whether the audit trail is whole: every row as it was written, none missing, none added, its end where it was seen.

The chain shows an edited, removed, added or moved row; what a chain cannot show (rows cut off at the end, or all of
them made anew) is shown by the signed checkpoints outside the database. Invariants: nothing that the database says
about itself is believed where a signature can be asked for; memory does not grow with the trail; a result is noted,
good or bad.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from telemetry_platform.contracts.audit_chain import BEGINNING, Checkpoint, Position
from telemetry_platform.contracts.events import audit
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.processing.audit_chain import checkpoint_digest
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.processing.chain_walk import ChainRow, Fault, Walked, walk
from telemetry_platform.processing.checkpoints import (
    CheckpointError,
    Follows,
    Resumption,
    is_signed_anchor,
    is_superseded,
    read_checkpoint,
    verified,
)
from telemetry_platform.stores import postgres, trail_chain, verifications
from telemetry_platform.stores.checkpoint_folder import CheckpointFolder
from telemetry_platform.stores.verifications import Verification
from telemetry_platform.usecases.checkpoint_trail import read_url, resumptions_of
from telemetry_platform.usecases.retention_policy import in_force
from telemetry_platform.usecases.trail_keys import trusted_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from telemetry_platform.contracts.audit_chain import Anchor
    from telemetry_platform.processing.signing import PublicKey
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

OLDEST_CHECKPOINT = timedelta(minutes=10)
"""The newest checkpoint may be so old; what happens to the trail's end in between, only the next one shows."""
_A_DAY_AND_A_NIGHT = timedelta(days=2)
FULL, INCREMENTAL, SINCE = "full", "incremental", "since"


@dataclass(frozen=True)
class Scope:
    """What to look at: all, what came since the last verification, or what was recorded since a moment."""

    mode: str = FULL
    since: datetime | None = None


def verify(
    settings: Settings, now: datetime, scope: Scope | None = None, *, checkpoints: str | None = None
) -> Verification:
    """Verify the trail and note the result, where telemetry_retention's connection is set.

    `checkpoints` is another folder than that of the settings.

    Raises ConfigurationError without a connection that reads, without a folder of checkpoints or a key to check them
    with; a trail that is not whole is a result and no error.
    """
    scope, url = scope or Scope(), checkpoints or settings.audit.checkpoints
    if url is None:
        raise ConfigurationError(
            "without checkpoints a cut-off end shows nowhere: set TELEMETRY_AUDIT__CHECKPOINTS, or give --checkpoints"
        )
    folder = CheckpointFolder(url)
    keys = trusted_keys(settings.audit, folder)
    if not keys:
        raise ConfigurationError(
            "no key is trusted: set TELEMETRY_AUDIT__TRUSTED_KEYS to the id of the key that signs the checkpoints"
        )
    found = _Verifying(settings, folder, keys, now, resumptions_of(folder, keys)).run(scope)
    # By a role that the API has not. Whoever only reads may verify, and their result is theirs.
    if settings.postgres.retention_url is not None:
        url = settings.postgres.retention_url.get_secret_value()
        with postgres.connect(url, application="telemetry-verify") as connection:
            verifications.add(connection, found)
    return found


@dataclass(frozen=True)
class _Verifying:
    settings: Settings
    folder: CheckpointFolder
    keys: Mapping[str, PublicKey]
    now: datetime
    resumptions: tuple[Resumption, ...] = ()

    def run(self, scope: Scope) -> Verification:
        seen: Checkpoint | None = None
        try:
            # Before the snapshot: a checkpoint that is made meanwhile saw rows that the snapshot has not.
            seen = self._newest()
            return self._look(scope, seen)
        except CheckpointError as error:
            return self._result(scope, BEGINNING, Walked(BEGINNING, 0, 0, 0, Fault(None, str(error))), seen)

    def _look(self, scope: Scope, newest: Checkpoint | None) -> Verification:
        with trail_chain.snapshot(read_url(self.settings)) as conn:
            start = self._start(conn, scope)
            anchors = self._anchors(conn)
            if isinstance(anchors, Fault):
                return self._result(scope, BEGINNING, Walked(BEGINNING, 0, 0, 0, anchors), newest)
            begin = BEGINNING if start is None else Position(start.seq, start.head_hash)
            head = trail_chain.head(conn)
            since = trail_chain.recorded_at(conn, begin.seq) if begin.seq else None
            # Closed before the connection is used for anything else: a walk that stops leaves rows behind.
            with closing(trail_chain.rows_between(conn, since)) as rows:
                walked = walk(
                    # Others of the same moment stand before the start.
                    (ChainRow(*row) for row in rows if row.seq > begin.seq or since is None),
                    {anchor.first_seq: anchor for anchor in anchors},
                    self._checkpoints(start, newest),
                    start=begin,
                    head=head,
                )
            fault = walked.fault or self._details(conn, begin, since) or self._age(conn, newest)
        done = Walked(walked.end, walked.rows, walked.anchors, walked.checkpoints, fault)
        return self._result(scope, begin, done, newest)

    def _start(self, conn: Connection, scope: Scope) -> Checkpoint | None:
        """The newest checkpoint before what is to be looked at; None for all of it."""
        if scope.mode == FULL:
            return None
        if scope.mode == SINCE:
            found = self._last_before(lambda one: scope.since is not None and one.taken_at <= scope.since)
        else:
            last = verifications.newest(conn, only_ok=True)
            found = None if last is None else self._last_before(lambda one: one.seq <= last.to_seq)
        # A row that retention has dropped is no place to begin at.
        return found if found is not None and trail_chain.recorded_at(conn, found.seq) is not None else None

    def _last_before(self, is_before: Callable[[Checkpoint], bool]) -> Checkpoint | None:
        """The newest checkpoint for which this is so. Raises CheckpointError for one that cannot be believed."""
        for day in reversed(self.folder.days()):
            for one in reversed(list(map(read_checkpoint, self.folder.read_day(day)))):
                if is_before(one) and not is_superseded(one, self.resumptions):
                    return next(verified([one], self.keys))
        return None

    def _newest(self) -> Checkpoint | None:
        return self._last_before(lambda _: True)

    def _checkpoints(self, start: Checkpoint | None, newest: Checkpoint | None) -> Iterator[Checkpoint]:
        """All behind the start, up to the newest one, each believed before it is handed on."""
        if newest is None:
            return iter(())
        after = self._first() if start is None else Follows(start.number + 1, checkpoint_digest(start))
        believed = verified(self._between(1 if after is None else after.number, newest.number), self.keys, after)
        return (one for one in believed if not is_superseded(one, self.resumptions))

    def _first(self) -> Follows | None:
        """The first checkpoint is number 1, unless those before the oldest one have outlived their retention."""
        day = self.folder.days()[0]
        lines = self.folder.read_day(day)
        if not lines:
            raise CheckpointError(f"the checkpoints of {day} are gone: their file is empty")
        oldest = read_checkpoint(lines[0])
        kept_since = cut_off(in_force(self.settings)[audit.LOGS.name], self.now)
        return None if oldest.taken_at < kept_since + _A_DAY_AND_A_NIGHT else Follows()

    def _between(self, first: int, last: int) -> Iterator[Checkpoint]:
        for day in self.folder.days():
            for line in self.folder.read_day(day):
                one = read_checkpoint(line)
                if first <= one.number <= last:
                    yield one

    def _anchors(self, conn: Connection) -> list[Anchor] | Fault:
        found = trail_chain.anchors(conn)
        for anchor in found:
            if not is_signed_anchor(anchor, self.keys):
                return Fault(
                    anchor.first_seq, f"the anchor of {anchor.partition_name} is not signed by a key that counts"
                )
        return found

    def _details(self, conn: Connection, begin: Position, since: datetime | None) -> Fault | None:
        bad = trail_chain.first_bad_details(conn, begin.seq + 1, since)
        return None if bad is None else Fault(bad.seq, bad.reason)

    def _age(self, conn: Connection, newest: Checkpoint | None) -> Fault | None:
        """The end of the trail is as sure as its newest checkpoint is new."""
        if newest is None and trail_chain.head(conn) == BEGINNING:
            # Nothing has been written: there is nothing to sign either.
            return None
        if newest is None:
            return Fault(None, "there is no checkpoint: nothing says where the trail ended")
        if newest.number < verifications.newest_checkpoint(conn):
            return Fault(None, f"checkpoints behind {newest.number} were there and are gone")
        age = self.now - newest.taken_at
        if age > OLDEST_CHECKPOINT:
            minutes = int(age.total_seconds() // 60)
            return Fault(
                None, f"the newest checkpoint, {newest.number}, is {minutes} minutes old: the trail's end is unseen"
            )
        return None

    def _result(self, scope: Scope, begin: Position, walked: Walked, newest: Checkpoint | None) -> Verification:
        fault = walked.fault
        return Verification(
            verified_at=self.now,
            mode=scope.mode,
            from_seq=begin.seq + 1,
            to_seq=walked.end.seq,
            rows=walked.rows,
            anchors=walked.anchors,
            checkpoints=walked.checkpoints,
            newest_checkpoint=None if newest is None else newest.number,
            resumptions=len(self.resumptions),
            ok=fault is None,
            first_bad_seq=None if fault is None else fault.seq,
            reason=None if fault is None else fault.reason,
        )
