"""Record what a person decided, or that their browser sent a privacy signal, and say so in the audit trail.

Invariants: state and trail are written in one transaction; what makes no difference leaves no entry, so that a request
that is sent again, and the signal that comes with every request, are in the trail once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.own_actions import CONSENT_DECIDED
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores import subjects
from telemetry_platform.usecases.own_actions import ActedBy, Requested, record

if TYPE_CHECKING:
    from telemetry_platform.contracts.consent import ConsentLevel
    from telemetry_platform.contracts.subject import SubjectState
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.subjects import Recorded

BY_DECISION, BY_SIGNAL = "decision", "sec_gpc"


@dataclass(frozen=True)
class Person:
    """Whose token it is. The raw id lives in this process only, as long as the request."""

    org_id: str
    actor_id: str = field(repr=False)
    actor_type: str

    def subject_hash(self, ring: KeyRing) -> str:
        """What they are remembered by: one key for ever, since a decision outlives all epochs of event rows."""
        return ring.pseudonym(Domain.SUBJECT, 1, self.actor_id)


@dataclass(frozen=True)
class Decision:
    """What they agree to; `decided_at` in milliseconds. `purposes` None: it does not speak of purposes."""

    level: ConsentLevel
    purposes: frozenset[str] | None
    decided_at: int


def record_decision(  # noqa: PLR0913, PLR0917 - who, what, when, and how it was asked for
    conn: Connection, ring: KeyRing, person: Person, decision: Decision, now: datetime, request: Requested
) -> Recorded:
    """The state that now counts; in the caller's transaction."""
    recorded = subjects.decide(
        conn,
        person.org_id,
        person.subject_hash(ring),
        decision.level,
        decision.purposes,
        decision.decided_at,
        now,
    )
    if recorded.changed:
        _record(conn, ring, person, now, recorded.state, BY_DECISION, request)
    return recorded


def record_signal(conn: Connection, ring: KeyRing, person: Person, now: datetime) -> Recorded:
    """The state that now counts, with an opt-out of sale; in the caller's transaction."""
    recorded = subjects.opt_out(conn, person.org_id, person.subject_hash(ring), now)
    if recorded.changed:
        _record(conn, ring, person, now, recorded.state, BY_SIGNAL)
    return recorded


def _record(  # noqa: PLR0913, PLR0917 - what the entry tells
    conn: Connection,
    ring: KeyRing,
    person: Person,
    now: datetime,
    state: SubjectState,
    source: str,
    request: Requested | None = None,
) -> None:
    moment = state.decided_at if source == BY_DECISION else state.opted_out_at
    known: dict[str, Any] = {
        "level": None if state.level is None else int(state.level),
        "purposes": None if state.purposes is None else sorted(state.purposes),
        "decided_at": None if moment is None else datetime.fromtimestamp(moment / 1000, UTC).isoformat(),
    }
    record(
        conn,
        ring,
        CONSENT_DECIDED,
        now,
        org_id=person.org_id,
        by=ActedBy(person.actor_id, person.actor_type),
        details={"source": source, **{name: value for name, value in known.items() if value is not None}},
        request=request,
    )
