"""Go on after PostgreSQL was restored from a backup: rows that checkpoints had seen are lost, and somebody says so.

Invariant: it is never done by itself. Until it is stated nothing is signed and every verification fails; afterwards
each verification tells of it, for as long as the checkpoints are kept. What is left must be one unbroken chain.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from telemetry_platform.contracts.own_actions import AUDIT_RESUMED
from telemetry_platform.errors import ContractViolationError, PermanentError
from telemetry_platform.processing.chain_walk import ChainRow, walk
from telemetry_platform.stores import postgres, trail_chain
from telemetry_platform.usecases import own_actions
from telemetry_platform.usecases.checkpoint_trail import CheckpointReport, read_url, resume
from telemetry_platform.usecases.ensure_keys import load_key_ring

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.audit_chain import Position
    from telemetry_platform.settings import Settings
    from telemetry_platform.usecases.own_actions import ActedBy

_LONGEST_REASON = 200


def resume_trail(settings: Settings, why: str, *, by: ActedBy, now: datetime) -> CheckpointReport:
    """State the loss in the trail, and sign where it goes on from.

    Raises PermanentError when nothing is lost or what is left is not one chain, ContractViolationError for a reason
    that is none.
    """
    if not why.strip() or len(why) > _LONGEST_REASON:
        raise ContractViolationError(f"`why` must say in 1 to {_LONGEST_REASON} characters what was restored, and why")

    def record(resumes_at: int, seen_until: int) -> None:
        said = {"resumes_at": resumes_at, "seen_until": seen_until, "why": why.strip()}
        with postgres.connect(settings.postgres, application="telemetry-cli") as conn:
            ring = load_key_ring(conn, settings.keys)
            own_actions.record(conn, ring, AUDIT_RESUMED, now, by=by, details=said)

    return resume(settings, now, verified_from=lambda place: _refuse_broken(settings, place), record=record)


def _refuse_broken(settings: Settings, place: Position) -> None:
    """What is left from the place on must be one chain."""
    with trail_chain.snapshot(read_url(settings)) as conn:
        since = trail_chain.recorded_at(conn, place.seq) if place.seq else None
        head = trail_chain.head(conn)
        anchors = {} if place.seq else {anchor.first_seq: anchor for anchor in trail_chain.anchors(conn)}
        with closing(trail_chain.rows_between(conn, since)) as rows:
            left = (ChainRow(*row) for row in rows if row.seq > place.seq or since is None)
            fault = walk(left, anchors, (), start=place, head=head).fault
    if fault is not None:
        raise PermanentError(
            f"what is left of the trail is not one chain at {fault.seq} ({fault.reason}): that is no restore"
        )
