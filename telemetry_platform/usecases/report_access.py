"""The right of access: what is held about one person, by table, under every key that still exists.

Invariants: whoever shows a report has `record_access` committed before its first byte, so that nobody looks at a person
unseen; the raw id goes no further than its pseudonyms, and is in no report; what could not be looked at raises, since a
report with a hole reads like one of a person of whom nothing is held.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from telemetry_platform.contracts.held import OF_PERSONS, places
from telemetry_platform.contracts.own_actions import ACCESS_REPORTED
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ConfigurationError, ContractViolationError
from telemetry_platform.processing.pseudonyms import live_epochs
from telemetry_platform.stores import held_rows, postgres
from telemetry_platform.stores.clock import platform_now
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.expire.visible import visible_from
from telemetry_platform.usecases.own_actions import ActedBy, Requested, record

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.held_rows import Held, Pseudonyms
    from telemetry_platform.stores.postgres import Connection

MOST_ROWS = 10_000
"""Of one table in one report."""
_LONGEST_ID = 256
NOTES = (
    "What was sent in the last minutes may still be in the landing queue; it is in a table once it was drained.",
    "The consent state (privacy.subjects) also lies in Redis, as a copy that requests are judged by.",
    "What has expired is not shown, and removed within a day; copies under a legal hold are shown where they rest.",
    "Backups hold what the tables held when they were made, until they expire.",
    "Rows are pseudonymised: those under a key that was destroyed cannot be attributed to anybody any more.",
)


@dataclass(frozen=True)
class DeadEpoch:
    """An epoch whose key is gone: rows under it are nobody's."""

    domain: str
    epoch: int
    active_from: datetime
    active_until: datetime | None


@dataclass(frozen=True)
class AccessReport:
    """What is held; `held` names tables without a row too, since "nothing" is an answer."""

    report_id: UUID
    org_id: str
    made_at: datetime
    held: tuple[Held, ...] = field(repr=False)
    epochs: dict[str, tuple[int, ...]] = field(hash=False)
    out_of_reach: tuple[DeadEpoch, ...]

    @property
    def tables(self) -> int:
        """Tables with something."""
        return len({one.place.table for one in self.held if one.count})

    @property
    def rows(self) -> int:
        """Rows in all of them; one that names the person twice counts twice."""
        return sum(one.count for one in self.held)

    def document(self) -> dict[str, Any]:
        """As JSON says it."""
        return {
            "report_id": str(self.report_id),
            "org_id": self.org_id,
            "made_at": self.made_at.isoformat(),
            "held": [_held(one) for one in self.held],
            "epochs": {domain: list(epochs) for domain, epochs in self.epochs.items()},
            "cannot_be_attributed": [
                {
                    "domain": one.domain,
                    "epoch": one.epoch,
                    "from": one.active_from.isoformat(),
                    "until": None if one.active_until is None else one.active_until.isoformat(),
                }
                for one in self.out_of_reach
            ],
            "notes": list(NOTES),
        }


def read_access(  # noqa: PLR0913 - whose, for whom, how much; all but the first two by name
    settings: Settings,
    ring: KeyRing,
    *,
    org_id: str,
    user_id: str,
    now: datetime,
    rows: int = 0,
    log_comment: str = "access-report",
) -> AccessReport:
    """Look in every place, with at most so many `rows` of each. Nothing may be shown before `record_access`.

    Raises ConfigurationError without a connection that may read, ContractViolationError for an id that is none.
    """
    if not 0 < len(user_id) <= _LONGEST_ID:
        raise ContractViolationError(f"a user id has 1 to {_LONGEST_ID} characters")
    if settings.postgres.read_url is None:
        raise ConfigurationError("an access report reads the trail: set TELEMETRY_POSTGRES__READ_URL (telemetry_read)")
    person = pseudonyms(ring, org_id, user_id)
    with (
        open_warehouse(settings.clickhouse, log_comment=log_comment) as warehouse,
        postgres.connect(settings.postgres.read_url.get_secret_value(), application="telemetry-access") as conn,
    ):
        since, most = visible_from(settings, platform_now(conn)), min(rows, MOST_ROWS)
        held = [
            one
            for place in places()
            for one in held_rows.in_place(warehouse, conn, place, person, rows=most, since=since.get(place.table))
        ]
        dead = _dead_epochs(conn)
    epochs = {domain.value: live_epochs(ring, domain) for domain in OF_PERSONS}
    return AccessReport(uuid4(), org_id, now, tuple(held), epochs, dead)


def record_access(  # noqa: PLR0913 - what the trail says of it; all but the first three by name
    conn: Connection,
    ring: KeyRing,
    report: AccessReport,
    *,
    user_id: str,
    by: ActedBy,
    now: datetime,
    request: Requested | None = None,
) -> None:
    """Write that somebody is about to see the report, in the caller's transaction."""
    record(
        conn,
        ring,
        ACCESS_REPORTED,
        now,
        org_id=report.org_id,
        by=by,
        resource_id=user_id,
        person=True,
        details={"tables": report.tables, "rows": report.rows},
        request=request,
        event_id=report.report_id,
    )


def pseudonyms(ring: KeyRing, org_id: str, user_id: str) -> Pseudonyms:
    """The person under every key that exists."""
    return held_rows.Pseudonyms(
        org_id,
        {
            domain: [ring.pseudonym(domain, epoch, user_id) for epoch in live_epochs(ring, domain)]
            for domain in OF_PERSONS
        },
    )


def _dead_epochs(conn: Connection) -> tuple[DeadEpoch, ...]:
    rows = conn.execute(
        "SELECT domain, epoch, active_from, active_until FROM privacy.key_states "
        "WHERE destruction_begun_at IS NOT NULL AND domain = ANY(%s) ORDER BY domain, epoch",
        ([Domain.ACTOR.value, Domain.AUDIT_ACTOR.value],),
    ).fetchall()
    return tuple(DeadEpoch(*row) for row in rows)


def _held(one: Held) -> dict[str, Any]:
    place = one.place
    found: dict[str, Any] = {
        "table": place.table,
        "found_by": one.column,
        "description": place.description,
        "legal_basis": place.legal_basis,
        "kept": place.kept,
        "on_erasure": place.on_erasure,
        "count": one.count,
        "time_column": place.time,
        "first": one.first,
        "last": one.last,
    }
    if one.rows is not None:
        found |= {"rows": list(one.rows), "rows_left_out": one.left_out}
    return found
