"""Holds placed and released as the command line does it, and rows that are old enough to expire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from telemetry_platform.contracts.held_copies import copied
from telemetry_platform.contracts.registry import tables
from telemetry_platform.stores import postgres, redis, subject_states
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.hold import place as placing
from telemetry_platform.usecases.hold import release as releasing
from telemetry_platform.usecases.hold.preserve import preserve_expired
from telemetry_platform.usecases.hold.settle import Settled, settle
from telemetry_platform_tests.usecases.erased_person import ORG, ring_of

if TYPE_CHECKING:
    from uuid import UUID

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.hold.place import Placed
    from telemetry_platform.usecases.hold.release import Released

WHY = "dispute 2026/17"
# Only what a row hangs on: every other column has its type's default.
_INSERT = (
    "INSERT INTO {table:Identifier} (org_id, actor_hash, key_epoch, occurred_at, received_at) "
    "SELECT {org:String}, {actor:String}, 1, {at:DateTime64(3)} - number, {at:DateTime64(3)} "
    "FROM numbers({rows:UInt32})"
)
# Rows of one session would be versions of one.
_INSERT_SESSIONS = (
    "INSERT INTO {table:Identifier} (session_id, org_id, actor_hash, key_epoch, occurred_at, received_at) "
    "SELECT generateUUIDv4(number), {org:String}, {actor:String}, 1, {at:DateTime64(3)} - number, "
    "{at:DateTime64(3)} FROM numbers({rows:UInt32})"
)
_OF_ALL = "SELECT count() FROM {table:Identifier}"
_OF_ONE = "SELECT count() FROM {table:Identifier} WHERE actor_hash = {actor:String}"


def hold(settings: Settings, user: str, org: str = ORG) -> Placed:
    """Commit a hold, and nothing of what follows from it in the warehouse."""
    ring = ring_of(settings)
    with postgres.connect(settings.postgres) as conn:
        placed = placing.place(conn, ring, datetime.now(UTC), org_id=org, user_id=user, why=WHY)
    with redis.connect(settings.redis) as client:
        subject_states.publish(client, org, placed.hold.subject_hash, placed.state)
    return placed


def release(settings: Settings, hold_id: UUID) -> Released:
    """The same of a release."""
    ring = ring_of(settings)
    with postgres.connect(settings.postgres) as conn:
        released = releasing.release(conn, ring, datetime.now(UTC), hold_id=hold_id, why="it was settled")
    if released.state is not None:
        with redis.connect(settings.redis) as client:
            subject_states.publish(client, released.hold.org_id, released.hold.subject_hash, released.state)
    return released


class Followed(NamedTuple):
    """What followed in the warehouse."""

    settled: Settled
    copied: dict[str, int]


def follow(settings: Settings) -> Followed:
    """What the command does after its commit."""
    with (
        postgres.connect(settings.postgres, autocommit=True) as conn,
        open_warehouse(settings.clickhouse) as warehouse,
    ):
        return Followed(settle(warehouse, conn), dict(preserve_expired(warehouse, conn)))


def add_rows(warehouse: Warehouse, table: str, actor: str, at: datetime, rows: int = 1) -> None:
    """Rows of a person, a second apart."""
    scope: dict[str, Any] = {"table": table, "org": ORG, "actor": actor, "at": at, "rows": rows}
    warehouse.client.command(_INSERT_SESSIONS if tables()[table].final else _INSERT, scope)


def count(warehouse: Warehouse, table: str, actor: str | None = None) -> int:
    """Rows of a person, or of everybody."""
    statement = _OF_ALL if actor is None else _OF_ONE
    return int(warehouse.client.scalar(statement, {"table": table, "actor": actor or ""}))


def engines_of(warehouse: Warehouse) -> dict[str, str]:
    """What every table with persons is made with."""
    return {table.name: warehouse.rows("select_engine", {"table": table.name})[0][0] for table in copied().values()}


def a_pseudonym() -> str:
    """Of nobody else."""
    return (uuid4().hex + uuid4().hex)[:64]
