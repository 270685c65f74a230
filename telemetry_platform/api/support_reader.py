"""What support's routes and pages share: who looks, at whose sessions, and the record that comes before the first byte.

Invariants: nothing is shown of which the audit trail does not say who saw it; looks that block run in threads, a few at
once, so that support never takes what ingestion needs.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from telemetry_platform.api.guarded import unavailable
from telemetry_platform.api.moments import Moment
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.own_actions import PERSON_SEARCHED, SESSION_READ, SESSIONS_SEARCHED, OwnAction
from telemetry_platform.contracts.trail_filters import Tenants
from telemetry_platform.contracts.types import Code, RawId
from telemetry_platform.errors import PlatformError, SlowStatementError
from telemetry_platform.processing.payload_reading import FieldFault
from telemetry_platform.usecases.own_actions import Requested
from telemetry_platform.usecases.read_trail import Reader, record_reading
from telemetry_platform.usecases.support.looking import (
    LONGEST_PERIOD,
    MOST_SESSIONS,
    USUAL_PERIOD,
    Wanted,
    look,
    search,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.api.tokens import Caller
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.support.looking import SessionLine, SessionLook

ROLES = frozenset({Role.SUPPORT, Role.ADMIN})
_AT_ONCE = 4
_FURTHEST = 30 * LONGEST_PERIOD
_Found = TypeVar("_Found")


_Id = Annotated[UUID, BeforeValidator(lambda value: UUID(value) if isinstance(value, str) else value)]


class SessionSearch(BaseModel):
    """What is looked for: exactly one of a person, a session and an error, in a stretch of time."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, frozen=True)

    user_id: Annotated[RawId | None, Field(description="whose sessions: the id as tokens have it, byte for byte")] = (
        None
    )
    session_id: Annotated[_Id | None, Field(description="one session, by the UUID that the frontend made")] = None
    error_code: Annotated[Code | None, Field(description="sessions in which this error was reported")] = None
    since: Annotated[
        Moment | None, Field(alias="from", description="began at this moment or later; 30 days ago when left out")
    ] = None
    until: Annotated[Moment | None, Field(alias="to", description="began before this moment; now when left out")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_SESSIONS, description="sessions at most, the newest first")] = 50

    @model_validator(mode="after")
    def _names_one(self) -> SessionSearch:
        if sum(each is not None for each in (self.user_id, self.session_id, self.error_code)) != 1:
            raise PydanticCustomError("one_of", "name exactly one of user_id, session_id and error_code")
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise PydanticCustomError("not_later", "`to` must be later than `from`")
        return self

    def wanted(self, now: datetime) -> Wanted:
        """With both ends of the stretch. Raises ProblemError (422) for one that is too long."""
        for name, moment in (("from", self.since), ("to", self.until)):
            if moment is not None and abs(moment - now) > _FURTHEST:
                fault = FieldFault(name, "must be within the time that data is kept for", "too_far")
                raise ProblemError(422, "invalid_question", "the question is not what it must be", faults=(fault,))
        until = self.until or now + timedelta(minutes=5)
        since = self.since or until - USUAL_PERIOD
        if until - since > LONGEST_PERIOD:
            fault = FieldFault("from", f"must be at most {LONGEST_PERIOD.days} days before `to`", "too_long")
            raise ProblemError(422, "invalid_question", "the question is not what it must be", faults=(fault,))
        return Wanted(since, until, self.limit, self.user_id, self.session_id, self.error_code)

    @property
    def by(self) -> Literal["user_id", "session_id", "error_code"]:
        """What was named."""
        return "user_id" if self.user_id is not None else "error_code" if self.error_code is not None else "session_id"


def read_search(body: Mapping[str, Any]) -> SessionSearch:
    """The question. Raises ProblemError (422), which names fields and repeats nothing that was sent."""
    try:
        return SessionSearch.model_validate(body)
    except ValidationError as error:
        known = {"user_id", "session_id", "error_code", "from", "to", "limit"}
        faults = tuple(
            FieldFault(
                str(each["loc"][0]) if each["loc"] and each["loc"][0] in known else "",
                "must be a UUID" if each["loc"] and each["loc"][0] == "session_id" else each["msg"],
                each["type"],
            )
            for each in error.errors(include_url=False, include_context=False, include_input=False)
        )
        raise ProblemError(422, "invalid_body", "the body is not what it must be", faults=faults) from None


@dataclass(frozen=True)
class SupportReader:
    """Looks for whoever may, and records it."""

    guarded: Guarded
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    # Not the loop's own threads: those renew keys and decisions, which every event needs.
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_AT_ONCE, "support"), repr=False)

    def now(self) -> datetime:
        """The server's clock."""
        return datetime.fromtimestamp(self.guarded.now_ms() / 1000, UTC)

    async def search(self, request: Request, caller: Caller, asked: SessionSearch, template: str) -> list[SessionLine]:
        """The sessions of the caller's tenant. Raises ProblemError."""
        ring, now = self.guarded.ring(), self.now()
        wanted = asked.wanted(now)
        found = await self.read(lambda: search(self.guarded.settings, ring, caller.org_id, wanted, now=now))
        action = PERSON_SEARCHED if asked.user_id is not None else SESSIONS_SEARCHED
        details = {"by": asked.by, "sessions": len(found)}
        await self.record(request, caller, action, template, details=details, about=asked.user_id)
        return found

    async def look(self, request: Request, caller: Caller, session_id: UUID, template: str) -> SessionLook:
        """One session. Raises ProblemError: 404 for one that the tenant does not have; that look is recorded too."""
        now = self.now()
        found = await self.read(lambda: look(self.guarded.settings, caller.org_id, session_id, now=now))
        details = {"session_id": str(session_id), "found": found is not None}
        await self.record(request, caller, SESSION_READ, template, details=details)
        if found is None:
            raise ProblemError(404, "not_found", "there is no such session: it may have expired, or not arrived yet")
        return found

    async def read(self, task: Callable[[], _Found]) -> _Found:
        """Run what reads in a thread of its own. Raises ProblemError: 504 when that takes too long, else 503."""
        async with self._places:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, task)
            except SlowStatementError as error:
                detail = "the answer took too long: look for less, or for a shorter stretch of time"
                raise ProblemError(504, "took_too_long", detail, cause=error) from None
            except PlatformError as error:
                raise unavailable(error) from None

    async def record(  # noqa: PLR0913 - what the trail says; by name
        self,
        request: Request,
        caller: Caller,
        action: OwnAction,
        template: str,
        *,
        details: Mapping[str, Any],
        about: str | None = None,
    ) -> None:
        """Commit that the caller is about to be shown something. Raises ProblemError (503): nothing may be shown."""
        ring, now = self.guarded.ring(), self.now()
        seen = Requested(request.method, template, 200, self.guarded.ip_truncated(request))
        reader = Reader(caller.actor_id, caller.org_id, seen)

        def write(connection: Connection) -> None:
            record_reading(
                connection, ring, action, now, reader, tenants=Tenants(caller.org_id), about=about, details=details
            )

        await self.guarded.work(write)
