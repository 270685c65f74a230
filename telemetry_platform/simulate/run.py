"""One run of the simulator: tell the stories, send them, write down the truth.

Invariant: the truth is written whole or not at all, also when sending ends early.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.errors import ConfigurationError, PlatformError
from telemetry_platform.simulate.core_api import tell_core
from telemetry_platform.simulate.http_client import Pace, send_stories
from telemetry_platform.simulate.story import MAX_DAYS, PatientStory, Story, tell
from telemetry_platform.simulate.tellers.all import SIMULATED
from telemetry_platform.simulate.tokens import Signer
from telemetry_platform.simulate.truth import write_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine
    from pathlib import Path

    from telemetry_platform.settings import TokenSettings
    from telemetry_platform.simulate.http_client import Sending

LIVE = 1.0


@dataclass(frozen=True)
class Scale:
    """How much to simulate. `speed`: simulated seconds a second; 0 as fast as possible, 1 live."""

    patients: int
    days: int = 1
    speed: float = 0.0
    seed: int = 7

    def __post_init__(self) -> None:
        if self.patients < 1 or not 1 <= self.days <= MAX_DAYS or self.speed < 0:
            raise ConfigurationError(
                f"simulate one patient or more, 1 to {MAX_DAYS} days (older events are refused), at speed 0 or more"
            )


def posted_kinds() -> tuple[str, ...]:
    """The kinds that are posted and that the simulator can tell, in the order in which they are shown."""
    return tuple(name for name in SIMULATED if name in kinds() and kinds()[name].endpoint is not None)


def chosen_kinds(names: Collection[str]) -> tuple[str, ...]:
    """These kinds, or all when none is named. Raises ConfigurationError for one that is not told."""
    known = posted_kinds()
    if unknown := sorted(set(names) - set(known)):
        raise ConfigurationError(f"{', '.join(unknown)}: not simulated; the kinds are {', '.join(known)}")
    return tuple(name for name in known if name in names) if names else known


@dataclass(frozen=True)
class Simulation:
    """What a run was: its truth, and what was sent."""

    truth: Path
    events: int
    sessions: int
    sending: Sending


def run_to_end(sending: Coroutine[Any, Any, Sending]) -> Sending:
    """Run to the end. Of the errors of many browsers, which fail alike, the first one is raised."""
    try:
        return asyncio.run(sending)
    except* PlatformError as failures:
        first = next(iter(failures.exceptions))
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def _opt_outs(patients: Collection[PatientStory]) -> int:
    """Persons whose browsers send a privacy signal with their token, to where consent decides: it is remembered."""
    return sum(
        story.patient.sends_gpc
        and any(request.has_token and kinds()[request.kind].consent is not None for request in story.requests)
        for story in patients
    )


def simulate(  # noqa: PLR0913 - what a run is told, by name
    scale: Scale,
    *,
    base_url: str,
    token: TokenSettings,
    truth_folder: Path,
    only: Collection[str] = (),
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Simulation:
    """Send a run's events to the API; `progress` is told how many of all events were answered.

    `only` names the kinds to tell; without it, all of them are told.
    """
    if token.secret is None:
        raise ConfigurationError("set TELEMETRY_API__TOKEN__SECRET to the secret that the API verifies tokens with")
    present = now().replace(microsecond=0)
    # Live, the story begins now; otherwise it is the days before now, so that no event lies in the future.
    begin = present if scale.speed == LIVE else present - timedelta(days=scale.days)
    chosen = chosen_kinds(only)
    patients = tell(scale.seed, patients=scale.patients, days=scale.days, begin=begin, kinds=chosen)
    stories: list[Story] = [*patients, *tell_core(scale.seed, patients, days=scale.days, begin=begin, kinds=chosen)]
    total = sum(len(request.events) for story in stories for request in story.requests)
    done = 0

    def count(events: int) -> None:
        nonlocal done
        done += events
        progress(done, total)

    progress(0, total)
    signer = Signer(token.secret.get_secret_value(), token.issuer, token.audience)
    sending = run_to_end(
        send_stories(stories, base_url=base_url, signer=signer, pace=Pace(begin, scale.speed), progress=count, now=now)
    )
    truth = truth_folder / f"{scale.seed}.jsonl"
    run = {"seed": scale.seed, "patients": scale.patients, "days": scale.days, "begin": begin.isoformat()}
    write_truth(truth, patients, sending, {**run, "kinds": list(chosen), "opt_outs": _opt_outs(patients)})
    return Simulation(truth, total, sum(len(story.sessions) for story in patients), sending)
