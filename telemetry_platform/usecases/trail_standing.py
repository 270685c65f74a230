"""How the audit trail stands: its end, what its verifications found, and the newest checkpoint outside the database.

Invariant: nothing here verifies anything; what was found is told with its age, and what cannot be read is told as that,
never left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telemetry_platform.errors import PlatformError
from telemetry_platform.processing.checkpoints import CheckpointError, read_checkpoint, verified
from telemetry_platform.processing.trail_standing import CheckpointState, Standing, newest_of, standing
from telemetry_platform.stores import trail_reading
from telemetry_platform.stores.checkpoint_folder import CheckpointFolder
from telemetry_platform.usecases.read_trail import read_address
from telemetry_platform.usecases.trail_keys import trusted_keys
from telemetry_platform.usecases.verify_audit import FULL, INCREMENTAL, OLDEST_CHECKPOINT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from telemetry_platform.contracts.audit_chain import Checkpoint
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.trail_reading import Row


@dataclass(frozen=True)
class TrailStanding:
    """The standing, and what says so."""

    standing: Standing
    head: Row = field(hash=False)
    unverified_rows: int
    checkpoint_state: CheckpointState
    checkpoint: Checkpoint | None
    last_incremental: Mapping[str, Any] | None = field(hash=False)
    last_full: Mapping[str, Any] | None = field(hash=False)
    last_failure: Mapping[str, Any] | None = field(hash=False)


def read_standing(settings: Settings, now: datetime) -> TrailStanding:
    """The standing now. Raises PlatformError when the database cannot be read."""
    state, checkpoint = newest_checkpoint(settings, now)
    with trail_reading.reading(read_address(settings)) as conn:
        head, found = trail_reading.trail_head(conn), trail_reading.verifications(conn)
    furthest = max((one["to_seq"] for one in found if one["ok"]), default=0)
    return TrailStanding(
        standing(found, state, now),
        head,
        max(head["seq"] - furthest, 0),
        state,
        checkpoint,
        newest_of(found, INCREMENTAL),
        newest_of(found, FULL),
        next((one for one in reversed(found) if not one["ok"]), None),
    )


def newest_checkpoint(settings: Settings, now: datetime) -> tuple[CheckpointState, Checkpoint | None]:
    """The newest checkpoint, and whether it says what a checkpoint is for."""
    if settings.audit.checkpoints is None:
        return CheckpointState.NOT_SET, None
    folder = CheckpointFolder(settings.audit.checkpoints)
    found: Checkpoint | None = None
    try:
        days = folder.days()
        lines = folder.read_day(days[-1]) if days else []
        if not lines:
            return CheckpointState.NONE, None
        found = read_checkpoint(lines[-1])
        next(verified([found], trusted_keys(settings.audit, folder)))
    except CheckpointError:
        return CheckpointState.NOT_BELIEVED, found
    except PlatformError:
        return CheckpointState.UNREADABLE, found
    return (CheckpointState.OLD if now - found.taken_at > OLDEST_CHECKPOINT else CheckpointState.CURRENT), found
