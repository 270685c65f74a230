"""What insert-triggered views count while it happens: the last day by minute, about right at once.

They may count what a killed insert repeated twice, and never take anything back: an erasure leaves them alone, since
they hold counts of minutes and of no person. What must add up is in the rollups.
"""

from __future__ import annotations

from dataclasses import dataclass

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.records import Record


@dataclass(frozen=True)
class Live:
    """One live table: what it counts of which base, and the view that fills it."""

    record: Record
    base: str
    counted: str
    view: str


def _live(name: str, base: str, counted: str, what: str, plain: tuple[str, ...]) -> Live:
    record = Record(
        name=name,
        description=f"{what} of the last day by minute, about right at once.",
        owner=Owner.DATA,
        erasure=ExpiresOnly("counts of a minute and a tenant, gone after two days: of no person"),
        legal_basis=LegalBasis.LEGITIMATE_INTEREST,
        why_kept="the table's own TTL removes a minute after two days",
        plain=plain,
        store=Store.CLICKHOUSE,
    )
    return Live(record, base, counted, f"{name}_fill")


LIVE = (
    _live("live_api_by_minute", "api_metrics", "requests", "Requests", ("route", "method", "duration_ms_quantiles")),
    _live("live_errors_by_minute", "error_events", "errors", "Errors", ("source",)),
    _live("live_media_by_minute", "media_events", "events", "Events of players", ("event",)),
)
RECORDS = tuple(one.record for one in LIVE)
