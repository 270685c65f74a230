"""How far checkpoints reach after a restore: what one saw behind the place where the trail went on is lost.

Invariant: a restore counts only by a signature of its own; without one, what a checkpoint saw must be there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_platform.contracts.audit_chain import Checkpoint
    from telemetry_platform.processing.checkpoints import Resumption


def still_there(checkpoint: Checkpoint, resumptions: Iterable[Resumption]) -> int:
    """The last place that a checkpoint saw of what is still the trail."""
    return min((checkpoint.seq, *(one.resumes_at for one in resumptions if one.number > checkpoint.number)))
