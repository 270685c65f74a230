"""Write down, signed and outside the database, where the trail ends now.

Invariants: no checkpoint is made over a trail that does not hold what the checkpoint before it saw, so that a
tampering is never signed; one process at a time; numbers have no gap.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.audit_chain import BEGINNING, GENESIS, Checkpoint, Position
from telemetry_platform.contracts.events import audit
from telemetry_platform.errors import ConfigurationError, PermanentError
from telemetry_platform.processing.audit_chain import checkpoint_digest
from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.processing.checkpoints import (
    CheckpointError,
    Resumption,
    is_superseded,
    read_checkpoint,
    signed,
    verified,
    write_checkpoint,
)
from telemetry_platform.stores import postgres, trail_chain, verifications
from telemetry_platform.stores.checkpoint_folder import CheckpointFolder
from telemetry_platform.usecases.retention_policy import in_force
from telemetry_platform.usecases.trail_keys import load_signer, trusted_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from telemetry_platform.processing.signing import PublicKey
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

_LOCK = "telemetry checkpoint"
_DAY = "%Y/%m/%d"


@dataclass(frozen=True)
class CheckpointReport:
    """The checkpoint that was made, and how many days were put together."""

    checkpoint: Checkpoint
    bundled_days: int


def checkpoint(settings: Settings, now: datetime) -> CheckpointReport:
    """Make the next checkpoint.

    Raises ConfigurationError without a key, a folder or a connection to read with, PermanentError when the trail does
    not hold what the newest checkpoint saw or that one cannot be believed.
    """
    with _opened(settings) as (conn, folder):
        before = newest(settings, folder)
        _refuse_lost(conn, before)
        if before is not None and not holds(conn, before):
            raise PermanentError(
                f"the trail does not hold what checkpoint {before.number} saw at {before.seq}: nothing was signed; run "
                "`telemetry audit verify`"
            )
        return _made(conn, folder, settings, before, now, resumes_at=None)


def resume(
    settings: Settings,
    now: datetime,
    *,
    verified_from: Callable[[Position], object],
    record: Callable[[int, int], object],
) -> CheckpointReport:
    """After a restore from a backup: state that what earlier checkpoints saw behind some place is lost.

    The place is that of the newest checkpoint that the trail still holds. `verified_from` raises unless the trail is
    one chain from there on; `record` writes the statement into the trail (the place, and up to where it had been seen)
    before it is signed. Raises PermanentError when nothing is lost.
    """
    with _opened(settings) as (conn, folder):
        before = newest(settings, folder)
        lost = verifications.newest_checkpoint(conn) > (0 if before is None else before.number)
        if before is None or (holds(conn, before) and not lost):
            raise PermanentError("the trail holds what the newest checkpoint saw: there is nothing to resume from")
        known = resumptions_of(folder, trusted_keys(settings.audit, folder))
        held = _newest_held(conn, settings, folder, known)
        verified_from(held)
        record(held.seq, before.seq)
        conn.commit()
        conn.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (_LOCK,))
        return _made(conn, folder, settings, before, now, resumes_at=held.seq)


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Connection, CheckpointFolder]]:
    """The trail to read, and the folder: until the transaction ends nobody else makes a checkpoint."""
    folder = open_folder(settings)
    with postgres.connect(read_url(settings), application="telemetry-checkpoint") as conn:
        # Two at once would both take the next number.
        conn.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (_LOCK,))
        yield conn, folder


def _made(  # noqa: PLR0913 - what a checkpoint is made of
    conn: Connection,
    folder: CheckpointFolder,
    settings: Settings,
    before: Checkpoint | None,
    now: datetime,
    *,
    resumes_at: int | None,
) -> CheckpointReport:
    """Sign where the trail ends now, write it down, and put days that are over together."""
    signer = load_signer(settings.audit)
    folder.write_key(signer.key_id, signer.public_key.pem)
    end, first = trail_chain.head(conn), trail_chain.first_resting(conn)
    # Whatever the head says would be signed: it must be the last row's place and hash.
    if end != BEGINNING and trail_chain.row_at(conn, end.seq) != end and end.seq > _dropped_until(conn):
        raise PermanentError(
            f"the trail's head is at {end.seq} and no such row rests: nothing was signed; run `telemetry audit verify`"
        )
    number = 1 if before is None else before.number + 1
    if resumes_at is not None:
        # Numbers that were given away and are lost are not given away again.
        number = max(number, verifications.newest_checkpoint(conn) + 1)
    made = signed(
        Checkpoint(
            number=number,
            previous=GENESIS if before is None else checkpoint_digest(before),
            seq=end.seq,
            head_hash=end.row_hash,
            count=0 if first is None else end.seq - first + 1,
            taken_at=now if before is None else max(now, before.taken_at),
            key_id=signer.key_id,
            resumes_at=resumes_at,
        ),
        signer,
    )
    day = made.taken_at.strftime(_DAY)
    folder.write(day, made.number, write_checkpoint(made))
    over = [each for each in folder.unbundled_days() if each < day]
    for each in over:
        folder.bundle(each)
    # Checkpoints are kept as long as the trail that they speak of.
    kept_since = cut_off(in_force(settings)[audit.LOGS.name], now).strftime(_DAY)
    for each in folder.days():
        if each < kept_since:
            folder.remove(each)
    return CheckpointReport(made, len(over))


def _refuse_lost(conn: Connection, before: Checkpoint | None) -> None:
    """A checkpoint that a verification has seen must be there: its number would be given to another one."""
    seen = verifications.newest_checkpoint(conn)
    number = 0 if before is None else before.number
    if seen > number:
        raise PermanentError(
            f"checkpoints behind {number} were there and are gone: nothing was signed; bring the folder back, or state "
            "their loss with `telemetry audit resume`"
        )


def resumptions_of(folder: CheckpointFolder, keys: Mapping[str, PublicKey]) -> tuple[Resumption, ...]:
    """All restores that were stated, each under a signature that counts; there are few, and none is found twice."""
    found: list[Resumption] = []
    for day in folder.days():
        for line in folder.read_day(day):
            if b'"resumes_at":null' in line:
                continue
            with suppress(CheckpointError):
                (one,) = verified([read_checkpoint(line)], keys)
                if one.resumes_at is not None:
                    found.append(Resumption(one.number, one.resumes_at))
    return tuple(found)


def newest(settings: Settings, folder: CheckpointFolder) -> Checkpoint | None:
    """The newest checkpoint; None before the first. Raises PermanentError for one that cannot be believed."""
    days = folder.days()
    if not days:
        return None
    try:
        return next(verified([_last_of(folder, days[-1])], trusted_keys(settings.audit, folder)))
    except CheckpointError as error:
        raise PermanentError(f"{error}: look at the folder of TELEMETRY_AUDIT__CHECKPOINTS") from None


def _last_of(folder: CheckpointFolder, day: str) -> Checkpoint:
    lines = folder.read_day(day)
    if not lines:
        raise CheckpointError(f"the checkpoints of {day} are gone: their file is empty")
    return read_checkpoint(lines[-1])


def open_folder(settings: Settings) -> CheckpointFolder:
    """The folder of the checkpoints. Raises ConfigurationError where none is set."""
    if settings.audit.checkpoints is None:
        raise ConfigurationError(
            "the trail's checkpoints need a place outside the databases: set TELEMETRY_AUDIT__CHECKPOINTS to a "
            "folder or "
            "a bucket"
        )
    return CheckpointFolder(settings.audit.checkpoints)


def read_url(settings: Settings) -> str:
    """The connection that reads the trail. Raises ConfigurationError where none is set."""
    if settings.postgres.read_url is None:
        raise ConfigurationError("the trail is read by telemetry_read: set TELEMETRY_POSTGRES__READ_URL")
    return settings.postgres.read_url.get_secret_value()


def holds(conn: Connection, before: Checkpoint) -> bool:
    """Whether the trail still holds what a checkpoint saw last; what retention has dropped since, it need not."""
    if before.seq == 0:
        return True
    end = trail_chain.head(conn)
    found = end if end.seq == before.seq else trail_chain.row_at(conn, before.seq)
    if found is None and before.seq <= _dropped_until(conn):
        return True
    return end.seq >= before.seq and found == Position(before.seq, before.head_hash)


def _dropped_until(conn: Connection) -> int:
    """The last place that an anchor speaks of."""
    return max((anchor.last_seq for anchor in trail_chain.anchors(conn)), default=0)


def _newest_held(
    conn: Connection, settings: Settings, folder: CheckpointFolder, known: tuple[Resumption, ...]
) -> Position:
    """The newest place that a checkpoint saw and that the trail still holds; the beginning where there is none."""
    keys = trusted_keys(settings.audit, folder)
    for day in reversed(folder.days()):
        for line in reversed(folder.read_day(day)):
            (one,) = verified([read_checkpoint(line)], keys)
            if not is_superseded(one, known) and holds(conn, one):
                return Position(one.seq, one.head_hash)
    return BEGINNING
