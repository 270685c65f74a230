"""Whether all numbered entries of the trail and of the security events arrived: noted by the drain, and explained.

Invariants: what came is noted in the transaction that ends its batch; a gap is explained once, by somebody who is in
the trail with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.own_actions import INTAKE_EXPLAINED
from telemetry_platform.errors import ContractViolationError, PermanentError
from telemetry_platform.processing.producers import number_runs, source_runs
from telemetry_platform.processing.scrub import scrub
from telemetry_platform.stores import intake, postgres
from telemetry_platform.stores.intake import API, SERVICE, Seen
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.own_actions import ActedBy, record

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.contracts.landing import RawEntries
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

LATE_SECONDS = 60.0
"""Two requests of one process can arrive in the other order; a gap that is older does not close by itself."""
_LONGEST_REASON = 200


def note(conn: Connection, kind: EventKind, stream: str, entries: RawEntries, now: datetime) -> None:
    """Note the numbers of a batch, if it goes where nothing may be lost; in the caller's transaction.

    A service's events of a kind may come through any stream of it, an API process numbers each stream by itself.
    """
    if kind.store is not Store.POSTGRES:
        return
    by_services = (Seen(SERVICE, kind.name, name, runs) for name, runs in source_runs(entries).items())
    by_api = (Seen(API, stream, name, runs) for name, runs in number_runs(entries).items())
    intake.note(conn, [*by_services, *by_api], now)


def explain(settings: Settings, gap_id: int, why: str, *, by: str, now: datetime) -> int:
    """Say why a gap will not close; the place of the entry that says so. `by` is who answers for it, one of the staff.

    Raises ContractViolationError for a reason that is none or names somebody, PermanentError when there is no such gap
    open and unexplained.
    """
    reason = why.strip()
    if not reason or len(reason) > _LONGEST_REASON or scrub(reason) != reason:
        raise ContractViolationError(
            f"`why` must say in 1 to {_LONGEST_REASON} characters why the entries will not come, and name no person"
        )
    with postgres.connect(settings.postgres, application="telemetry-cli") as conn:
        ring = load_key_ring(conn, settings.keys)
        if not intake.explain(conn, gap_id, by=by, why=reason, now=now):
            raise PermanentError(f"there is no gap {gap_id} that is open and unexplained: `telemetry intake gaps`")
        return record(
            conn, ring, INTAKE_EXPLAINED, now, by=ActedBy(by, "staff"), details={"gap": gap_id, "why": reason}
        )
