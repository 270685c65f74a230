"""Whether to start a drain: pure judgement over what the sensor saw.

Invariants: the lease is believed, not the status of a run, because a killed run stays STARTED for ever; nothing is
remembered between two looks, so that resetting or turning off the sensor neither loses nor repeats anything: what has
to be drained stands in Redis, who drains it in PostgreSQL, and how the last drains ended in Dagster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from itertools import takewhile
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from telemetry_platform.stores.landing_queue import Backlog
    from telemetry_platform.stores.lease import Lease

GRACE_SECONDS = 120.0
"""A run that began, or gave its lease back, less than this ago is on its way in or out, and not dead."""

FIRST_PAUSE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 600.0
RUNS_LOOKED_AT = 7
"""More failures than this do not make the pause longer."""


class Stage(Enum):
    """Where a run that has not ended stands, as Dagster knows it."""

    MADE = "about to be queued"
    WAITING = "waiting to start"
    RUNNING = "running"
    FINISHING = "looking at what was stored"
    STOPPING = "being stopped"


@dataclass(frozen=True)
class OpenRun:
    """A run of the drain that Dagster takes for unfinished."""

    run_id: str
    stage: Stage
    age_seconds: float
    limit_seconds: float = inf
    """How long it may run; without a limit of its own, Dagster's run monitoring ends it."""


@dataclass(frozen=True)
class EndedRun:
    """A run of the drain that came to an end by itself; one that a person stopped says nothing about the next."""

    run_id: str
    failed: bool
    ended_seconds_ago: float


@dataclass(frozen=True)
class Holding:
    """The lease as it was last held; `free_seconds` is negative while somebody holds it."""

    run_id: str
    free_seconds: float
    given_back: bool

    @property
    def is_held(self) -> bool:
        """Whether a drain is at work right now."""
        return self.free_seconds < 0


@dataclass(frozen=True)
class Judgement:
    """What to do: start a drain, or why not; and which runs are dead."""

    start: bool
    reason: str
    dead: tuple[str, ...] = ()


def holding(latest: tuple[Lease, float] | None, lease_seconds: float) -> Holding | None:
    """What the lease's row tells. One that was given back ends before its term; a killed holder's runs out."""
    if latest is None:
        return None
    lease, free_seconds = latest
    term = (lease.expires_at - lease.renewed_at).total_seconds()
    return Holding(lease.run_id, free_seconds, given_back=term < lease_seconds * 0.99)


def judge(backlog: Mapping[str, Backlog], held: Holding | None, runs: Sequence[OpenRun]) -> Judgement:
    """Start a drain when entries wait and no drain is at work or on its way."""
    entries = sum(one.entries for one in backlog.values())
    oldest = max((one.oldest_age_seconds for one in backlog.values()), default=0.0)
    seen = f"{entries} entries wait in {len(backlog)} streams, the oldest for {oldest:.1f} s"
    if held is not None and held.is_held:
        whose = f"run {held.run_id}" if held.run_id else "a drain outside Dagster"
        return Judgement(start=False, reason=f"{seen}; {whose} is draining")
    dead = tuple(run.run_id for run in runs if _is_dead(run, held))
    alive = next((run for run in runs if run.run_id not in dead and _counts(run)), None)
    if alive is not None:
        return Judgement(start=False, reason=f"{seen}; run {alive.run_id} is {alive.stage.value}", dead=dead)
    return Judgement(start=entries > 0, reason=seen, dead=dead)


def restrained(judgement: Judgement, ended: Sequence[EndedRun]) -> Judgement:
    """Put a start off while drains fail one after the other; `ended` has the newest first.

    A lasting fault (a schema that does not fit, most entries invalid) ends a drain within a second: asked for at every
    look, failing runs would bury everything else that Dagster shows.
    """
    failures = list(takewhile(lambda run: run.failed, ended))
    if not judgement.start or not failures:
        return judgement
    pause = min(FIRST_PAUSE_SECONDS * 2 ** len(failures), LONGEST_PAUSE_SECONDS)
    left = pause - failures[0].ended_seconds_ago
    if left <= 0:
        return judgement
    count = "drain failed" if len(failures) == 1 else f"{len(failures)} drains failed"
    return replace(
        judgement,
        start=False,
        reason=(
            f"{judgement.reason}; the last {count}, most recently run {failures[0].run_id}, whose error says what to "
            f"do: the next one is asked for in {left:.0f} s; one started by hand runs at once"
        ),
    )


def _is_dead(run: OpenRun, held: Holding | None) -> bool:
    """A run that should be at work and has no lease: killed, or cut off from PostgreSQL, which comes to the same."""
    own = held if held is not None and held.run_id == run.run_id else None
    if run.stage is Stage.FINISHING:
        # It needs no lease any more, and its looks may take as long as the run may last: Dagster ends it then, and
        # this only if Dagster did not. One that could not give its lease back, since PostgreSQL was away, may be
        # about to try again.
        outlived = own is not None and not own.given_back and own.free_seconds > GRACE_SECONDS
        return outlived or run.age_seconds > run.limit_seconds + GRACE_SECONDS
    if run.stage is not Stage.RUNNING:
        return False
    if own is not None:
        return not own.given_back or own.free_seconds > GRACE_SECONDS
    return run.age_seconds > GRACE_SECONDS


def _counts(run: OpenRun) -> bool:
    """Whether a run keeps another from starting; one that was made and never queued would for ever."""
    return run.stage is not Stage.MADE or run.age_seconds <= GRACE_SECONDS
