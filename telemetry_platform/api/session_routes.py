"""`/v1/media/sessions/search` and `/v1/media/sessions/{session_id}`: what support looks up, as JSON.

Invariants: the look is in the audit trail before the first byte, or nothing is shown; a raw user id is posted, never in
a path; all rows are of the token's tenant.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation when the route is made
from starlette.responses import JSONResponse

from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.support_reader import ROLES, SessionSearch, SupportReader, read_search

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.contracts.verdict import Verdict

SEARCH = "/v1/media/sessions/search"
SESSION = "/v1/media/sessions/{session_id}"
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"description": "no valid token"},
    403: {"description": "the token has none of the roles support and admin"},
    503: {"description": "a store does not answer, or it cannot be recorded who asked: nothing is shown"},
}
_BODY = {
    "required": True,
    "content": {"application/json": {"schema": SessionSearch.model_json_schema(), "example": {"user_id": "user-1"}}},
}


def router(guarded: Guarded) -> APIRouter:
    """The routes."""
    routes, reader = APIRouter(), SupportReader(guarded)

    @routes.post(
        SEARCH,
        summary="Sessions of a person, with an error, or by id",
        description=(
            "The newest first, each with its verdict. A user id is hashed under every live key and kept nowhere. Who "
            "asked is in the audit trail. Only the token's tenant is looked at. Roles: support, admin."
        ),
        responses=_PROBLEMS
        | {
            400: {"description": "the body is no JSON"},
            422: {"description": "the body is not what it must be; `errors` names the fields"},
        },
        openapi_extra={"requestBody": _BODY, "security": [{"token": []}]},
    )
    async def search(request: Request) -> JSONResponse:
        caller = await guarded.caller(request, ROLES)
        asked = read_search(await guarded.json_object(request))
        found = await reader.search(request, caller, asked, SEARCH)
        return JSONResponse({"sessions": [_plain(one.row) | {"verdict": _verdict(one.verdict)} for one in found]})

    @routes.get(
        SESSION,
        summary="One session: its events, its figures beside its peers', and why it went as it did",
        description="Only the token's tenant is looked at. Who looked is in the audit trail. Roles: support, admin.",
        responses=_PROBLEMS | {404: {"description": "the tenant has no such session"}},
        openapi_extra={"security": [{"token": []}]},
    )
    async def one(request: Request, session_id: str) -> JSONResponse:
        caller = await guarded.caller(request, ROLES)
        found = await reader.look(request, caller, session_uuid(session_id), SESSION)
        return JSONResponse(
            {
                "session": _plain(found.row),
                "verdict": _verdict(found.verdict),
                "timeline": [_plain(each) for each in found.events],
                "stalls": [_plain(each) for each in found.stalls],
            }
        )

    return routes


def session_uuid(text: str) -> UUID:
    """The id of a session. Raises ProblemError (404): what is no UUID is no session."""
    try:
        return UUID(text)
    except ValueError:
        raise ProblemError(404, "not_found", "there is no such session") from None


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON takes it; moments in UTC."""
    return {
        name: value.astimezone(UTC).isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _verdict(verdict: Verdict | None) -> dict[str, Any] | None:
    return None if verdict is None else dataclasses.asdict(verdict)
