"""`/v1/audit`: pages of the trail, what it says of a person, exports, and whether it is whole.

Invariants: every reading is in the trail before its first byte; a raw id stands in a body only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation when the route is made
from starlette.responses import Response

from telemetry_platform.api import verification_routes
from telemetry_platform.api.exports import ExportResponse, Exports
from telemetry_platform.api.trail_answers import PROBLEMS, TrailResponse, rows_answer
from telemetry_platform.api.trail_questions import LogQuery, LogQuestion, LogSearch, parameters, read_body, read_query
from telemetry_platform.api.trail_reader import Session, TrailReader
from telemetry_platform.contracts.own_actions import EXPORT_FINISHED, TRAIL_EXPORTED, TRAIL_READ, TRAIL_SEARCHED
from telemetry_platform.contracts.registry import tables
from telemetry_platform.processing.trail_rows import document
from telemetry_platform.stores import postgres
from telemetry_platform.stores.trail_reading import TRAIL
from telemetry_platform.usecases.export_trail import Finished, Order, TrailExport
from telemetry_platform.usecases.own_actions import PLATFORM_ORG, ActedBy, record
from telemetry_platform.usecases.read_trail import LogPage, persons_of, read_logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.contracts.own_actions import OwnAction
    from telemetry_platform.contracts.trail_filters import LogFilter

LOGS = "/v1/audit/logs"
SEARCH = "/v1/audit/logs/search"
_TABLE = tables()[TRAIL]
_PAGE = rows_answer(
    "logs",
    (*_TABLE.columns, *_TABLE.beside),
    {
        "next": {"type": ["integer", "null"], "description": "`after` of the following page; null at the end"},
        "until_seq": {"type": "integer", "description": "give it with every following page, to walk over one state"},
    },
)
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": LogSearch.model_json_schema(),
            "example": {"user_id": "user-1", "from": "2026-02-01T00:00:00Z", "limit": 100},
        }
    },
}
_CONTENT = {"application/json": {"schema": _PAGE}}


def router(guarded: Guarded) -> APIRouter:
    """The routes."""
    routes, reader, exports = APIRouter(tags=["audit"]), TrailReader(guarded), Exports()

    @routes.get(
        LOGS,
        summary="Read or export the audit trail",
        description=(
            "Rows of the token's tenant in the order of `seq`, with details and hashes. A walk of one state: give the "
            "first page's `until_seq` and each page's `next` as `after`. `format=csv` and `jsonl` send all of it as a "
            "ZIP with a manifest and SHA-256 sums. Each reading is itself in the trail. Roles: compliance; admin also "
            "for other tenants."
        ),
        responses={
            200: {"description": "a page, or the file", "content": {**_CONTENT, "application/zip": {}}},
            **PROBLEMS,
            429: {"description": "as many exports are under way as may be"},
        },
        openapi_extra={"parameters": parameters(LogQuery), "security": [{"token": []}]},
        response_class=Response,
    )
    async def logs(request: Request) -> Response:
        caller = await reader.caller(request)
        asked = read_query(LogQuery, request.query_params.multi_items())
        session = reader.begin(request, caller, LOGS, org_id=asked.org_id, all_orgs=asked.all_orgs)
        wanted = asked.filter(session.tenants)
        if asked.format != "json":
            answer = await _export(reader, exports, session, asked, wanted)
            guarded.exported(request, caller)
            return answer
        return await _page(reader, session, asked, wanted, TRAIL_READ)

    @routes.post(
        SEARCH,
        summary="What the audit trail says of a person",
        description=(
            "Rows in which the person acted or was acted upon, under every key that still exists; the other fields are "
            f"the parameters of `GET {LOGS}`. Roles: compliance; admin also for other tenants."
        ),
        responses={
            200: {"description": "a page", "content": _CONTENT},
            400: {"description": "the body is no JSON"},
            **PROBLEMS,
        },
        openapi_extra={"requestBody": _BODY, "security": [{"token": []}]},
        response_class=Response,
    )
    async def search(request: Request) -> Response:
        caller = await reader.caller(request)
        asked = read_body(LogSearch, await guarded.json_object(request))
        session = reader.begin(request, caller, SEARCH, org_id=asked.org_id, all_orgs=asked.all_orgs)
        wanted = asked.filter(session.tenants, persons_of(guarded.ring(), asked.user_id))
        return await _page(reader, session, asked, wanted, TRAIL_SEARCHED, about=asked.user_id)

    routes.include_router(verification_routes.router(reader))
    return routes


async def _page(  # noqa: PLR0913 - what a page takes
    reader: TrailReader,
    session: Session,
    asked: LogQuestion,
    wanted: LogFilter,
    action: OwnAction,
    *,
    about: str | None = None,
) -> Response:
    def read() -> LogPage:
        return read_logs(
            reader.guarded.settings, wanted, after=asked.after, until_seq=asked.until_seq, limit=asked.rows
        )

    page = await reader.read(read)
    details = {"filters": wanted.names, "rows": len(page.rows), "until_seq": page.until_seq}
    await reader.record(session, action, tenants=session.tenants, details=details, about=about)
    rows = [document(row) for row in page.rows]
    return TrailResponse({"logs": rows, "next": page.next, "until_seq": page.until_seq})


async def _export(
    reader: TrailReader, exports: Exports, session: Session, asked: LogQuery, wanted: LogFilter
) -> Response:
    leave = exports.enter()
    opened: list[Callable[[], None]] = [leave]

    def close() -> None:
        while opened:
            opened.pop()()

    assert asked.format != "json"  # noqa: S101 - narrows the type; the caller has looked
    order = Order(wanted, asked.format, uuid4(), session.now)

    try:
        export = await reader.read(lambda: TrailExport.begin(reader.guarded.settings, order, asked.until_seq))
        opened.append(export.close)
        details = {"filters": wanted.names, "format": asked.format, "until_seq": export.until_seq}
        await reader.record(session, TRAIL_EXPORTED, tenants=session.tenants, details=details, event_id=order.export_id)
    except BaseException:
        close()
        raise
    return ExportResponse(export.chunks(_finisher(reader, session)), export.name, close)


def _finisher(reader: TrailReader, session: Session) -> Callable[[Finished], None]:
    """What puts on record that an export is whole, from the thread that makes it."""
    guarded = reader.guarded
    org_id = session.tenants.org_id or PLATFORM_ORG

    def finish(done: Finished) -> None:
        details = {"export_id": str(done.export_id), "rows": done.rows, "manifest_sha256": done.manifest_sha256}
        by = ActedBy(session.reader.actor_id, "staff")
        with postgres.lent(guarded.pool) as connection:
            record(
                connection, guarded.keys.ring(), EXPORT_FINISHED, _now(guarded), org_id=org_id, by=by, details=details
            )

    return finish


def _now(guarded: Guarded) -> datetime:
    return datetime.fromtimestamp(guarded.now_ms() / 1000, UTC)
