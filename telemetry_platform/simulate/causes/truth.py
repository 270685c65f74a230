"""The truth of a week of known causes: one line a session, synthetic ids only.

Invariant: it is written whole or not at all, and says nothing that the platform could have told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from telemetry_platform.simulate.causes.week import CausedSession


@dataclass(frozen=True)
class TrueCause:
    """One session, and what was done to it."""

    org_id: str
    session_id: str
    cause: str


def path_of(folder: Path, seed: int) -> Path:
    """Where the truth of a seed is."""
    return folder / f"causes-{seed}.jsonl"


def write(folder: Path, seed: int, week: Iterable[CausedSession]) -> Path:
    """Write the truth of a week."""
    folder.mkdir(parents=True, exist_ok=True)
    target = path_of(folder, seed)
    lines = [
        orjson.dumps({"org_id": one.org_id, "session_id": str(one.session_id), "cause": one.cause}) for one in week
    ]
    partial = target.with_suffix(".partial")
    partial.write_bytes(b"".join(line + b"\n" for line in lines))
    partial.replace(target)
    return target


def read(folder: Path, seed: int) -> list[TrueCause]:
    """The truth of a week. Raises ConfigurationError when nobody has sent one under this seed."""
    target = path_of(folder, seed)
    if not target.exists():
        raise ConfigurationError(f"no week was sent under seed {seed}: run `telemetry verdict simulate --seed {seed}`")
    return [TrueCause(**orjson.loads(line)) for line in target.read_bytes().splitlines()]
