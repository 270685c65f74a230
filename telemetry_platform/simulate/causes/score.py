"""A week of known causes through a running API, and how many of its verdicts are right.

Invariant: a verdict that names no cause (`not_enough_data`) is neither right nor wrong, and is counted apart; so is a
session that has not arrived. The shares are of all sessions that were sent, so that what got lost makes none better.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.errors import ConfigurationError
from telemetry_platform.simulate.causes.week import core_story, tell_week
from telemetry_platform.simulate.http_client import Pace, send_stories
from telemetry_platform.simulate.run import run_to_end
from telemetry_platform.simulate.tokens import Signer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from telemetry_platform.settings import TokenSettings
    from telemetry_platform.simulate.causes.week import CausedSession

NAMES_NONE = "not_enough_data"


@dataclass(frozen=True)
class Score:
    """How often each true cause (first) was judged as each cause (second)."""

    confusion: Counter[tuple[str, str]]

    @property
    def sessions(self) -> int:
        """All that were sent."""
        return self.confusion.total()

    @property
    def right(self) -> float:
        """Share of right verdicts."""
        return sum(n for (true, said), n in self.confusion.items() if true == said) / max(1, self.sessions)

    @property
    def wrong(self) -> float:
        """Share of verdicts that name another cause."""
        guesses = sum(n for (true, said), n in self.confusion.items() if said not in {true, NAMES_NONE})
        return guesses / max(1, self.sessions)

    @property
    def named_none(self) -> float:
        """Share of sessions of which no cause is named."""
        return sum(n for (_, said), n in self.confusion.items() if said == NAMES_NONE) / max(1, self.sessions)

    def recall(self, cause: str) -> float:
        """Share of a true cause's sessions that were judged right."""
        all_of_it = sum(n for (true, _), n in self.confusion.items() if true == cause)
        return self.confusion[cause, cause] / max(1, all_of_it)


def score(pairs: Iterable[tuple[str, str]]) -> Score:
    """Of pairs of the true cause and the judged one."""
    return Score(Counter(pairs))


def send_week(seed: int, *, sessions: int, begin: datetime, base_url: str, token: TokenSettings) -> list[CausedSession]:
    """Tell a week and send it; what was told, for whoever scores it."""
    if token.secret is None:
        raise ConfigurationError("set TELEMETRY_API__TOKEN__SECRET to the secret that the API verifies tokens with")
    week = tell_week(seed, sessions=sessions, begin=begin)
    stories = [*(session.story for session in week if session.story.requests), core_story(week)]
    signer = Signer(token.secret.get_secret_value(), token.issuer, token.audience)
    run_to_end(
        send_stories(stories, base_url=base_url, signer=signer, pace=Pace(begin, 0.0), progress=lambda _events: None)
    )
    return week
