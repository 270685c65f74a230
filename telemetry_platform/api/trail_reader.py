"""What the routes that read the trail share: who reads, whose rows, and the record that comes before the first byte.

Invariants: a reading is answered only after its record was committed (`TrailReader.read`); so few at once reach the
database that reading never takes what ingestion needs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from telemetry_platform.api.guarded import unavailable
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.tenants import tenants_of
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.errors import ConfigurationError, PlatformError, TransientError
from telemetry_platform.usecases.own_actions import Requested
from telemetry_platform.usecases.read_trail import Reader, record_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from starlette.requests import Request

    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.api.tokens import Caller
    from telemetry_platform.contracts.own_actions import OwnAction
    from telemetry_platform.contracts.trail_filters import Tenants
    from telemetry_platform.stores.postgres import Connection

ROLES = frozenset({Role.COMPLIANCE, Role.ADMIN})
_AT_ONCE = 4
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Session:
    """One reader's request: who reads, and whose rows."""

    reader: Reader
    tenants: Tenants
    now: datetime


@dataclass(frozen=True)
class TrailReader:
    """Reads for whoever may, and records it."""

    guarded: Guarded
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def caller(self, request: Request) -> Caller:
        """Who asks: before anything of the question is looked at. Raises ProblemError (401, 403)."""
        return await self.guarded.caller(request, ROLES)

    def begin(
        self, request: Request, caller: Caller, template: str, *, org_id: str | None = None, all_orgs: bool = False
    ) -> Session:
        """Whose rows they are shown. Raises ProblemError (403)."""
        seen = Requested(request.method, template, 200, self.guarded.ip_truncated(request))
        now = datetime.fromtimestamp(self.guarded.now_ms() / 1000, UTC)
        tenants = tenants_of(caller, org_id=org_id, all_orgs=all_orgs)
        return Session(Reader(caller.actor_id, caller.org_id, seen), tenants, now)

    async def read(self, task: Callable[[], _Found]) -> _Found:
        """Run what reads in a thread. Raises ProblemError (503) when it cannot."""
        async with self._places:
            try:
                return await asyncio.to_thread(task)
            except ConfigurationError as error:
                detail = "reading the trail is not set up here: the log names the setting"
                raise ProblemError(503, "not_configured", detail, cause=error) from None
            except TransientError as error:
                detail = "the database did not answer in time: ask for less, e.g. a shorter stretch, or try again"
                raise ProblemError(
                    503, "store_unavailable", detail, headers={"Retry-After": "2"}, cause=error
                ) from None
            except PlatformError as error:
                raise unavailable(error) from None

    async def record(  # noqa: PLR0913 - what the trail says; by name
        self,
        session: Session,
        action: OwnAction,
        *,
        tenants: Tenants | None,
        details: Mapping[str, Any],
        about: str | None = None,
        event_id: UUID | None = None,
    ) -> None:
        """Commit that the reader is about to be shown something. Raises ProblemError (503): nothing may be shown."""
        ring = self.guarded.ring()

        def write(connection: Connection) -> None:
            record_reading(
                connection,
                ring,
                action,
                session.now,
                session.reader,
                tenants=tenants,
                about=about,
                details=details,
                event_id=event_id,
            )

        await self.guarded.work(write)
