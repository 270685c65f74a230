"""What support is shown: sessions that were looked for, each with its verdict, and one session whole.

Invariants: all of it is of one tenant; a raw user id goes no further than its pseudonyms; whoever shows any of it has
the look in the audit trail first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.processing.pseudonyms import live_epochs
from telemetry_platform.processing.verdict import judge
from telemetry_platform.stores import support_sessions
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.support.evidence import gather, verdicts_of

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.contracts.verdict import Evidence, Verdict
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings

LONGEST_PERIOD = timedelta(days=366)
USUAL_PERIOD = timedelta(days=30)
MOST_SESSIONS = 200
_A_DAY = timedelta(days=1)
_COMMENT = "support"


@dataclass(frozen=True)
class SessionLine:
    """One session of a list: its row, and why it went as it did."""

    row: dict[str, Any] = field(hash=False)
    verdict: Verdict | None


@dataclass(frozen=True)
class SessionLook:
    """One session whole: its row, its events and stalls on its own clock, its evidence and its verdict."""

    row: dict[str, Any] = field(hash=False)
    events: tuple[dict[str, Any], ...] = field(hash=False)
    stalls: tuple[dict[str, Any], ...] = field(hash=False)
    evidence: Evidence
    verdict: Verdict


@dataclass(frozen=True)
class Wanted:
    """What is looked for: a person, a session or an error, in a stretch of time. Exactly one of the three."""

    since: datetime
    until: datetime
    most: int
    user_id: str | None = field(default=None, repr=False)
    session_id: UUID | None = None
    error_code: str | None = None


def search(settings: Settings, ring: KeyRing, org_id: str, wanted: Wanted, *, now: datetime) -> list[SessionLine]:
    """The sessions that were looked for, the newest first. Raises PlatformError when the warehouse does not answer."""
    stretch: dict[str, Any] = {"since": wanted.since, "until": wanted.until, "most": wanted.most}
    with open_warehouse(settings.clickhouse, log_comment=_COMMENT) as warehouse:
        if wanted.user_id is not None:
            persons = [ring.pseudonym(Domain.ACTOR, epoch, wanted.user_id) for epoch in live_epochs(ring, Domain.ACTOR)]
            rows = support_sessions.of_person(warehouse, org_id, persons, **stretch)
        elif wanted.error_code is not None:
            rows = support_sessions.with_error(warehouse, org_id, wanted.error_code, **stretch)
        else:
            assert wanted.session_id is not None  # noqa: S101 - the third of three
            found = support_sessions.one(warehouse, org_id, wanted.session_id)
            rows = [] if found is None else [found]
        verdicts = verdicts_of(warehouse, org_id, [row["session_id"] for row in rows], now=now)
    return [SessionLine(row, verdicts.get(row["session_id"])) for row in rows]


def look(settings: Settings, org_id: str, session_id: UUID, *, now: datetime) -> SessionLook | None:
    """One session whole; None where the tenant has none of that id."""
    with open_warehouse(settings.clickhouse, log_comment=_COMMENT) as warehouse:
        row = support_sessions.one(warehouse, org_id, session_id)
        evidence = None if row is None else gather(warehouse, org_id, session_id, now=now)
        if row is None or evidence is None:
            return None
        since = (row["started_at"] or row["occurred_at"]) - _A_DAY
        events = support_sessions.timeline(warehouse, org_id, session_id, since=since)
        stalls = support_sessions.stalls(warehouse, org_id, session_id)
    return SessionLook(row, tuple(events), tuple(stalls), evidence, judge(evidence))
