"""Media events for tests of the fold: made by hand, stored as the drain would, and what came of them.

Times are seconds of the test's own day, which lies just behind the clock: rows of a fixed date would expire.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

import pyarrow as pa

from telemetry_platform.contracts.registry import tables
from telemetry_platform.stores.tenant_keys import tenant_key
from telemetry_platform.usecases.fold_sessions import FoldReport, fold_sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry_platform.stores.warehouse import Warehouse

BASE = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=1)
"""10:00:00Z of yesterday."""

_ARROW = {
    "UUID": pa.string(),
    "String": pa.string(),
    "Bool": pa.bool_(),
    "Float64": pa.float64(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "DateTime64(3, 'UTC')": pa.timestamp("ms", "UTC"),
}
CLINIC = "clinic-1"
"""The tenant of every event that says no other."""
_numbers: Counter[UUID] = Counter()


def clock(seconds: float) -> datetime:
    """A moment of the test's day."""
    return BASE + timedelta(milliseconds=round(seconds * 1000))


@dataclass(frozen=True)
class Event:
    """One stored media event; `data` holds the columns of its payload."""

    session_id: UUID
    event: str
    client_at: datetime
    occurred_at: datetime
    received_at: datetime
    event_id: UUID
    skewed: bool = False
    country_code: str | None = "RO"
    org_id: str = CLINIC
    data: dict[str, Any] = field(default_factory=dict)

    def again(self, later: float) -> Event:
        """The same event, sent again so many seconds later."""
        return replace(self, received_at=self.received_at + timedelta(seconds=later))

    @property
    def session(self) -> str:
        """The key of the event's session."""
        return tenant_key(self.org_id, self.session_id)

    def row(self, batch_id: str, ingested_at: datetime) -> dict[str, Any]:
        """The row that the drain would store."""
        return {
            "event_id": str(self.event_id),
            "occurred_at": self.occurred_at,
            "client_at": self.client_at,
            "received_at": self.received_at,
            "ingested_at": ingested_at,
            "skewed": self.skewed,
            "org_id": self.org_id,
            "actor_hash": "a" * 64,
            "key_epoch": 1,
            "ip_truncated": "198.51.100.0",
            "country_code": self.country_code,
            "device_type": "mobile",
            "browser_family": "Chrome",
            "os_family": "Android",
            "is_bot": False,
            "consent_level": 2,
            "batch_id": batch_id,
            "session_id": str(self.session_id),
            "media_id": "m" * 64,
            "media_type": "video",
            "event": self.event,
        } | self.data


def event(session_id: UUID, name: str, seconds: float, event_id: UUID | None = None, **data: Any) -> Event:  # noqa: ANN401 - the columns of any payload
    """An event of an honest clock, received a tenth of a second later."""
    _numbers[session_id] += 1
    at = clock(seconds)
    known = event_id or uuid5(NAMESPACE_OID, f"{session_id}/{_numbers[session_id]}")
    return Event(session_id, name, at, at, at + timedelta(milliseconds=100), known, data=data)


def store(warehouse: Warehouse, events: Iterable[Event], batch_id: str | None = None) -> str:
    """Insert the events as one batch; its id."""
    name = batch_id or uuid4().hex
    rows = [one.row(name, max(one.received_at + timedelta(seconds=1), BASE)) for one in events]
    table = tables()["media_events"]
    columns = {
        column.name: pa.array([row.get(column.name) for row in rows], _ARROW[column.clickhouse])
        for column in table.columns
    }
    warehouse.insert(table.name, pa.table(columns), token=name)
    return name


def store_and_fold(warehouse: Warehouse, *batches: Sequence[Event]) -> FoldReport:
    """Each batch stored and folded by itself, in the order given; what the last fold did."""
    report = FoldReport()
    for batch in batches:
        name = store(warehouse, batch)
        touched = {one.session for one in batch}
        report = fold_sessions(
            warehouse, touched, batch_id=name, now=clock(86_000), since=min(one.occurred_at for one in batch)
        )
    return report


def session_row(warehouse: Warehouse, session_id: UUID, org_id: str = CLINIC) -> dict[str, Any]:
    """The one row that readers see of a session."""
    answer = warehouse.client.query_arrow(
        "SELECT * FROM media_sessions_current WHERE session_id = {id:UUID} AND org_id = {org:String}",
        {"id": str(session_id), "org": org_id},
    ).to_pylist()
    assert len(answer) == 1, f"{len(answer)} rows of one session"
    return dict(answer[0])


def stall_rows(warehouse: Warehouse, session_id: UUID, org_id: str = CLINIC) -> list[dict[str, Any]]:
    """The stalls that readers see of a session, in order."""
    return list(
        warehouse.client.query_arrow(
            "SELECT * FROM media_buffering_current WHERE session_id = {id:UUID} AND org_id = {org:String} "
            "ORDER BY started_at, event_id",
            {"id": str(session_id), "org": org_id},
        ).to_pylist()
    )
