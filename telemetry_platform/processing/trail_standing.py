"""How the trail stands, by what its verifications found.

Invariant: a later look at a part of the trail does not make good what an earlier one found: what was found broken stays
so until a full verification found the trail whole.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

LATE_AFTER = timedelta(hours=2)
"""The trail is verified every hour: one that was missed may be chance."""


class Standing(StrEnum):
    """What can be said of the trail."""

    WHOLE = "whole"
    BROKEN = "broken"
    LATE = "late"
    UNKNOWN = "unknown"


class CheckpointState(StrEnum):
    """What the newest checkpoint is worth."""

    CURRENT = "current"
    OLD = "old"
    NONE = "none"
    NOT_SET = "not_set"
    UNREADABLE = "unreadable"
    NOT_BELIEVED = "not_believed"


def standing(verifications: Sequence[Mapping[str, Any]], checkpoint: CheckpointState, now: datetime) -> Standing:
    """The standing now; verifications the oldest first, among them the newest that failed and the newest full one.

    Without a checkpoint that is new and believed, nothing shows whether the trail's end was cut off. Verifications look
    at the checkpoints themselves; who knows no folder of them goes by those alone.
    """
    if not verifications:
        return Standing.UNKNOWN
    for one in reversed(verifications):
        if not one["ok"]:
            return Standing.BROKEN
        if one["mode"] == "full":
            break
    newest = max(one["verified_at"] for one in verifications)
    is_late = now - newest > LATE_AFTER or checkpoint not in {CheckpointState.CURRENT, CheckpointState.NOT_SET}
    return Standing.LATE if is_late else Standing.WHOLE


def newest_of(verifications: Sequence[Mapping[str, Any]], mode: str) -> Mapping[str, Any] | None:
    """The newest verification of a mode."""
    return next((one for one in reversed(verifications) if one["mode"] == mode), None)
