"""`POST /v1/privacy/access-reports`: what is held about a person, for the compliance role of their tenant.

Invariant: the trail says who saw it before the first byte of the answer; when it cannot, the answer is 503 and nothing
is shown.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation when the route is made
from starlette.responses import JSONResponse

from telemetry_platform.api.guarded import unavailable
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.errors import PlatformError
from telemetry_platform.processing.payload_reading import FieldFault
from telemetry_platform.usecases.own_actions import ActedBy, Requested
from telemetry_platform.usecases.report_access import AccessReport, read_access, record_access

if TYPE_CHECKING:
    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.stores.postgres import Connection

PATH = "/v1/privacy/access-reports"
_ROLES = frozenset({Role.COMPLIANCE})
_MOST_ROWS = 1_000
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "the body is no JSON"},
    401: {"description": "no valid token"},
    403: {"description": "the token is not one of the role compliance"},
    422: {"description": "the body is not what it must be; `errors` names the fields"},
    503: {"description": "a store does not answer, or it cannot be recorded who asked: nothing is shown"},
}


class AccessReportRequest(BaseModel):
    """Whose report, and how much of it."""

    model_config = ConfigDict(extra="forbid")

    user_id: Annotated[str, Field(min_length=1, max_length=256, description="the id as tokens have it, byte for byte")]
    rows: Annotated[bool, Field(description=f"with the rows as held, at most {_MOST_ROWS:,} of a table")] = False


_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": AccessReportRequest.model_json_schema(),
            "example": {"user_id": "user-1", "rows": False},
        }
    },
}


def router(guarded: Guarded) -> APIRouter:
    """The route."""
    routes = APIRouter()

    @routes.post(
        PATH,
        summary="What is held about a person",
        description=(
            "By table: how many rows, from when to when, and with `rows` the rows as held, under every key that still "
            "exists. Only the token's tenant is looked at. Who asked is in the audit trail. Role: compliance."
        ),
        responses=_PROBLEMS,
        openapi_extra={"requestBody": _BODY, "security": [{"token": []}]},
    )
    async def report(request: Request) -> JSONResponse:
        caller = await guarded.caller(request, _ROLES)
        asked = read_request(await guarded.json_object(request))
        ring, now = guarded.ring(), datetime.fromtimestamp(guarded.now_ms() / 1000, UTC)

        def read() -> AccessReport:
            return read_access(
                guarded.settings,
                ring,
                org_id=caller.org_id,
                user_id=asked.user_id,
                now=now,
                rows=_MOST_ROWS if asked.rows else 0,
            )

        try:
            found = await asyncio.to_thread(read)
        except PlatformError as error:
            raise unavailable(error) from None
        by = ActedBy(caller.actor_id, "staff")
        seen = Requested("POST", PATH, 200, guarded.ip_truncated(request))

        def say(connection: Connection) -> None:
            record_access(connection, ring, found, user_id=asked.user_id, by=by, now=now, request=seen)

        await guarded.work(say)
        if asked.rows:
            guarded.exported(request, caller)
        return JSONResponse(found.document())

    return routes


def read_request(body: dict[str, Any]) -> AccessReportRequest:
    """The request. Raises ProblemError (422) that names the fields and repeats nothing."""
    try:
        return AccessReportRequest.model_validate(body, strict=True)
    except ValidationError as error:
        known = AccessReportRequest.model_fields
        faults = tuple(
            FieldFault(str(each["loc"][0]) if each["loc"][0] in known else "", each["msg"], each["type"])
            for each in error.errors(include_url=False, include_context=False, include_input=False)
        )
        raise ProblemError(422, "invalid_body", "the body is not what it must be", faults=faults) from None
