"""A fresh PostgreSQL database with the schema, its roles' connections, and entries for its audit trail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from telemetry_platform.embedded.postgres import SUPERUSER, url
from telemetry_platform.stores import postgres

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

ROLES = ("telemetry_owner", "telemetry_ingest", "telemetry_read", "telemetry_retention")
FENCING = 7


@dataclass(frozen=True)
class Trail:
    """One database, as any role of the server."""

    engines: PlatformHandle
    database: str

    def connect(self, role: str, *, autocommit: bool = True) -> Connection:
        """A connection with the role's own password."""
        secret = self.engines.state.secrets()["postgres" if role == SUPERUSER else role]
        port = self.engines.platform.ports()["postgres"]
        return postgres.connect(url(role, secret, port, self.database), autocommit=autocommit)

    def rows(self, query: str, parameters: Sequence[Any] = (), role: str = "telemetry_read") -> list[tuple[Any, ...]]:
        """The answer of one query."""
        with self.connect(role) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def give_lease(self, fencing: int = FENCING, seconds: int = 600) -> None:
        """A drain takes the lease."""
        with self.connect("telemetry_ingest") as connection:
            connection.execute(
                "INSERT INTO ingest.leases VALUES "
                "('drain', %s, 'test', '', now(), now(), now() + make_interval(secs => %s)) "
                "ON CONFLICT (name) DO UPDATE SET fencing = excluded.fencing, expires_at = excluded.expires_at",
                [fencing, seconds],
            )

    def append(self, *entries: dict[str, Any], batch_id: str | None = None, fencing: int = FENCING) -> tuple[int, ...]:
        """One batch in a transaction of its own: stored, duplicate, id_conflict, last_seq."""
        with self.connect("telemetry_ingest") as connection:
            return append(connection, *entries, batch_id=batch_id, fencing=fencing)


def trail_of(engines: PlatformHandle, platform: Settings) -> Trail:
    """The platform's PostgreSQL database, with a lease for its drain."""
    trail = Trail(engines, urlsplit(platform.postgres.url.get_secret_value()).path.lstrip("/"))
    trail.give_lease()
    return trail


def append(
    connection: Connection,
    *entries: dict[str, Any],
    stream: str = "telemetry:landing:audit:0",
    batch_id: str | None = None,
    fencing: int = FENCING,
) -> tuple[int, ...]:
    """Append in the connection's transaction."""
    row = connection.execute(
        "SELECT stored, duplicate, id_conflict, last_seq FROM audit.append(%s, %s, %s, %s)",
        [json.dumps(entries), stream, batch_id or str(uuid4()), fencing],
    ).fetchone()
    assert row is not None
    return tuple(row)


def entry(event_id: UUID | None = None, **changed: object) -> dict[str, Any]:
    """The access record of a view, as the drain hands it over."""
    return {
        "event_id": str(event_id or uuid4()),
        "occurred_at": 1_771_322_400_123,
        "actor_hash": "a" * 64,
        "key_epoch": 1,
        "actor_type": "patient",
        "org_id": "clinic-1",
        "action": "media.view",
        "resource_type": "media",
        "resource_id_hash": "b" * 64,
        "method": "POST",
        "path": "/v1/media/events",
        "status_code": 202,
        "outcome": "success",
        "ip_truncated": "192.168.1.0",
        "country_code": "RO",
        "region": "B",
        "device_type": "mobile",
    } | changed
