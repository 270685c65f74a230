"""How the trail stands: what was found broken stays so until all of it was found whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telemetry_platform.processing.trail_standing import CheckpointState, newest_of, standing

NOW = datetime(2026, 2, 17, 10, tzinfo=UTC)


def found(*made: tuple[str, bool, float]) -> list[dict[str, Any]]:
    """Verifications: mode, whether the trail was whole, how many hours ago."""
    return [{"mode": mode, "ok": ok, "verified_at": NOW - timedelta(hours=hours)} for mode, ok, hours in made]


@pytest.mark.parametrize(
    ("verifications", "expected"),
    [
        (found(), "unknown"),
        (found(("full", True, 1)), "whole"),
        (found(("incremental", True, 1)), "whole"),
        (found(("full", True, 30), ("incremental", True, 2)), "whole"),
        (found(("full", True, 30), ("incremental", True, 2.1)), "late"),
        (found(("full", True, 30), ("incremental", False, 1)), "broken"),
        # A later look at another part says nothing of the one that was bad.
        (found(("full", False, 30), ("incremental", True, 1)), "broken"),
        (found(("incremental", False, 3), ("incremental", True, 1)), "broken"),
        (found(("since", False, 3), ("incremental", True, 1)), "broken"),
        (found(("incremental", False, 3), ("full", True, 1)), "whole"),
        (found(("full", True, 3), ("full", False, 1)), "broken"),
        (found(("full", False, 9), ("full", True, 5), ("incremental", True, 3)), "late"),
    ],
)
def test_standing(verifications: list[dict[str, Any]], expected: str) -> None:
    assert standing(verifications, CheckpointState.CURRENT, NOW) == expected
    assert standing(verifications, CheckpointState.NOT_SET, NOW) == expected


@pytest.mark.parametrize("state", sorted(set(CheckpointState) - {CheckpointState.CURRENT, CheckpointState.NOT_SET}))
def test_without_a_checkpoint_that_is_current_nobody_knows_the_end(state: CheckpointState) -> None:
    assert standing(found(("full", True, 1)), state, NOW) == "late"
    assert standing(found(("full", False, 1)), state, NOW) == "broken"
    assert standing([], state, NOW) == "unknown"


def test_the_newest_of_a_mode() -> None:
    made = found(("full", True, 3), ("incremental", True, 2), ("incremental", False, 1))
    assert newest_of(made, "incremental") is made[2]
    assert newest_of(made, "full") is made[0]
    assert newest_of(made, "since") is None
