"""Who asks for statistics, how often they may, of whom they are answered, and what the audit trail says of it.

Invariants: whoever has none of the roles support and admin sees no small group; asking takes nothing from ingestion:
few at once, in threads of their own, each with a time limit; what is one person's, or another tenant's, is in the trail
first.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from telemetry_platform.api.guarded import unavailable
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.stats_answers import answer
from telemetry_platform.api.tenants import tenants_of
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.own_actions import STATISTICS_READ, OwnAction
from telemetry_platform.contracts.trail_filters import Tenants
from telemetry_platform.errors import PlatformError, SlowStatementError
from telemetry_platform.usecases.own_actions import Requested
from telemetry_platform.usecases.read_trail import Reader, record_reading
from telemetry_platform.usecases.statistics import Asking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.api.stats_questions import Question
    from telemetry_platform.api.tokens import Caller
    from telemetry_platform.contracts.statistics import Stretch
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.rate_limits import RateLimits

READERS = frozenset({Role.ANALYST, Role.SUPPORT, Role.ADMIN})
OF_PERSONS = frozenset({Role.SUPPORT, Role.ADMIN})
_AT_ONCE = 8
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Desk:
    """Answers whoever may ask."""

    guarded: Guarded
    _limits: RateLimits = field(repr=False)
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    # Not the loop's own threads: those renew keys and decisions, which every event needs.
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_AT_ONCE, "statistics"), repr=False)

    async def caller(self, request: Request, roles: frozenset[Role] = READERS) -> Caller:
        """Who asks. Raises ProblemError: 401, 403, 429 for whoever asks too often, 503."""
        caller = await self.guarded.caller(request, roles)
        subject = f"statistics {caller.org_id}/{caller.actor_id}"
        try:
            wait_ms = await self._limits.charge((subject,), 1, self.guarded.now_ms())
        except PlatformError as error:
            raise unavailable(error) from None
        if wait_ms:
            seconds = -(-wait_ms // 1000)
            headers = {"Retry-After": str(seconds)}
            raise ProblemError(429, "rate_limited", f"too many questions: ask again in {seconds} s", headers=headers)
        return caller

    def asking(self, caller: Caller, question: Question) -> tuple[Asking, Stretch]:
        """Of whom, how exactly, and over which stretch. Raises ProblemError (403, 422)."""
        org_id = tenants_of(caller, org_id=question.org_id).org_id
        assert org_id is not None  # noqa: S101 - all tenants are not asked for here
        exact = not caller.roles.isdisjoint(OF_PERSONS)
        now = datetime.fromtimestamp(self.guarded.now_ms() / 1000, UTC)
        return Asking(org_id, exact), question.over(now, whole_days=not exact)

    async def record(  # noqa: PLR0913, PLR0917 - who saw what of whom
        self,
        request: Request,
        caller: Caller,
        action: OwnAction,
        template: str,
        org_id: str,
        details: Mapping[str, Any],
    ) -> None:
        """Commit that the caller is about to be shown something. Raises ProblemError (503): nothing may be shown."""
        ring, now = self.guarded.ring(), datetime.fromtimestamp(self.guarded.now_ms() / 1000, UTC)
        seen = Requested(request.method, template, 200, self.guarded.ip_truncated(request))
        reader = Reader(caller.actor_id, caller.org_id, seen)

        def write(connection: Connection) -> None:
            record_reading(connection, ring, action, now, reader, tenants=Tenants(org_id), details=details)

        await self.guarded.work(write)

    async def answered(  # noqa: PLR0913, PLR0917 - an answer, and of whom it is
        self,
        request: Request,
        caller: Caller,
        asking: Asking,
        template: str,
        body: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
    ) -> Response:
        """The answer; of another tenant's rows the trail says who saw them first."""
        if asking.org_id != caller.org_id:
            await self.record(request, caller, STATISTICS_READ, template, asking.org_id, {"of": template})
        return answer(request, body, rows)

    async def read(self, task: Callable[[], _Found]) -> _Found:
        """Run what asks in a thread, a few at once. Raises ProblemError: 504 when it takes too long, else 503."""
        async with self._places:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, task)
            except SlowStatementError as error:
                detail = "the answer took too long: ask for a shorter stretch"
                raise ProblemError(504, "took_too_long", detail, cause=error) from None
            except PlatformError as error:
                raise unavailable(error) from None
