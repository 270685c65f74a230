"""`GET /v1/security/events`: pages of the security events of a tenant.

Invariant: every reading is in the audit trail before its first byte.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from fastapi import APIRouter
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation when the route is made
from starlette.responses import Response

from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.trail_answers import PROBLEMS, TrailResponse, rows_answer
from telemetry_platform.api.trail_questions import SecurityQuery, parameters, read_query
from telemetry_platform.api.trail_reader import TrailReader
from telemetry_platform.contracts.own_actions import SECURITY_READ
from telemetry_platform.contracts.registry import tables
from telemetry_platform.processing.payload_reading import FieldFault
from telemetry_platform.processing.trail_rows import document
from telemetry_platform.stores.trail_reading import SECURITY, SecurityPlace
from telemetry_platform.usecases.read_trail import SecurityPage, read_security_events

if TYPE_CHECKING:
    from telemetry_platform.api.guarded import Guarded

PATH = "/v1/security/events"
_PAGE = rows_answer(
    "events",
    tables()[SECURITY].columns,
    {"next": {"type": ["string", "null"], "description": "`after` of the following page; null at the end"}},
)


def router(guarded: Guarded) -> APIRouter:
    """The route."""
    routes, reader = APIRouter(tags=["security"]), TrailReader(guarded)

    @routes.get(
        PATH,
        summary="Read the security events",
        description=(
            "Of the token's tenant, in the order in which they were recorded. Give `next` of a page as `after` of the "
            "following one. Each reading is in the audit trail. Roles: compliance; admin also for other tenants."
        ),
        responses={200: {"description": "a page", "content": {"application/json": {"schema": _PAGE}}}, **PROBLEMS},
        openapi_extra={"parameters": parameters(SecurityQuery), "security": [{"token": []}]},
        response_class=Response,
    )
    async def events(request: Request) -> Response:
        caller = await reader.caller(request)
        asked = read_query(SecurityQuery, request.query_params.multi_items())
        session = reader.begin(request, caller, PATH, org_id=asked.org_id, all_orgs=asked.all_orgs)
        wanted, after = asked.filter(session.tenants), _place_of(asked.after)

        def read() -> SecurityPage:
            return read_security_events(guarded.settings, wanted, after=after, limit=asked.rows)

        page = await reader.read(read)
        details = {"filters": wanted.names, "rows": len(page.rows)}
        await reader.record(session, SECURITY_READ, tenants=session.tenants, details=details)
        return TrailResponse({"events": [document(row) for row in page.rows], "next": _text_of(page.next)})

    return routes


def _text_of(place: SecurityPlace | None) -> str | None:
    """A place as a client carries it; what it is made of is ours to change."""
    if place is None:
        return None
    parts = orjson.dumps([place.recorded_at, place.org_id, place.event_id])
    return base64.urlsafe_b64encode(parts).decode().rstrip("=")


def _place_of(text: str | None) -> SecurityPlace | None:
    """The place. Raises ProblemError (422) for what no page gave."""
    if text is None:
        return None
    try:
        parts = orjson.loads(base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True))
        recorded_at, org_id, event_id = parts
        place = SecurityPlace(datetime.fromisoformat(recorded_at), str(org_id), UUID(event_id))
    except (binascii.Error, UnicodeEncodeError, ValueError, TypeError, AttributeError):
        place = None
    if place is None or place.recorded_at.tzinfo is None or not place.org_id.isprintable():
        fault = FieldFault("after", "must be `next` of a page, as it stands", "no_place")
        raise ProblemError(422, "invalid_question", "the question is not what it must be", faults=(fault,))
    return place
