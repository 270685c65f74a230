"""The statistics over HTTP: video, the Core API, errors, staff, one exercise session.

Invariants: a caller sees their own tenant, another one with the role admin only; whoever has none of the roles support
and admin sees no small group; asking takes nothing from ingestion: few at once, in threads, each with a time limit.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation when the route is made
from starlette.responses import Response

from telemetry_platform.api import stats_questions as asked
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.session_routes import session_uuid
from telemetry_platform.api.stats_answers import answer
from telemetry_platform.api.stats_desk import OF_PERSONS, Desk
from telemetry_platform.api.trail_questions import parameters
from telemetry_platform.contracts.own_actions import POSE_READ
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores.rate_limits import Rate, RateLimits
from telemetry_platform.usecases import statistics

if TYPE_CHECKING:
    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.api.stats_questions import Question
    from telemetry_platform.contracts.statistics import Stretch

POSE = "/v1/pose/sessions/{session_id}"
_RATE = Rate(per_minute=300, burst=100)
"""Of one caller's questions, over all processes: a dashboard of a dozen panels every few seconds."""
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    304: {"description": "the answer is the one whose tag was sent"},
    401: {"description": "no valid token"},
    403: {"description": "the token has none of the roles; another tenant takes the role admin"},
    422: {"description": "the question is not what it must be; `errors` names the parameters"},
    429: {"description": "too many questions at once: ask again after Retry-After seconds"},
    503: {"description": "the warehouse does not answer"},
    504: {"description": "the answer took too long: ask for a shorter stretch"},
}
_SMALL_GROUPS = (
    " Whoever has none of the roles support and admin is answered for whole UTC days that have ended; groups of fewer "
    "than five persons are withheld and counted, counts go down to fives."
)


def router(guarded: Guarded) -> APIRouter:
    """The routes."""
    routes, desk = (
        APIRouter(tags=["statistics"]),
        Desk(guarded, RateLimits(guarded.channel, (_RATE,), secrets.token_bytes)),
    )
    _video(routes, desk)
    _others(routes, desk)
    _pseudonyms(routes, desk)
    return routes


def _told(over: Stretch, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    return {"from": over.since, "to": over.until, **more}


def _documented(model: type[Question], summary: str, description: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "description": f"{description}{_SMALL_GROUPS} CSV for `Accept: text/csv`. Roles: analyst, support, admin.",
        "responses": _PROBLEMS,
        "openapi_extra": {"parameters": parameters(model), "security": [{"token": []}]},
    }


def _video(routes: APIRouter, desk: Desk) -> None:
    kept = desk.guarded.warehouse
    what = "How video starts and plays, by one dimension: each figure with the number `n` that it rests on."

    @routes.get(
        "/v1/media/bandwidth/stats", **_documented(asked.BandwidthQuestion, "Video by country, device, ...", what)
    )
    async def bandwidth(request: Request) -> Response:
        caller = await desk.caller(request)
        question = asked.read_query(asked.BandwidthQuestion, request.query_params.multi_items())
        asking, over = desk.asking(caller, question)
        group_by, value = question.group_by, question.value

        def read(stretch: Stretch) -> tuple[list[dict[str, Any]], int]:
            return statistics.bandwidth(kept, asking, stretch, group_by, media_id=question.media_id, value=value)

        rows, withheld = await desk.read(lambda: read(over))
        body = _told(over, period=question.told_period, group_by=group_by, stats=rows, withheld=withheld)
        if question.compare is not None:
            before, withheld_before = await desk.read(lambda: read(over.before))
            body["previous"] = _told(over.before, stats=before, withheld=withheld_before)
        return await desk.answered(request, caller, asking, "/v1/media/bandwidth/stats", body, rows)

    what = "Totals, shares and distributions over all sessions; `stats` is null where there is nothing to show."

    @routes.get("/v1/media/sessions/stats", **_documented(asked.VideoQuestion, "Video of all sessions", what))
    async def sessions(request: Request) -> Response:
        caller = await desk.caller(request)
        question = asked.read_query(asked.VideoQuestion, request.query_params.multi_items())
        asking, over = desk.asking(caller, question)

        def read(stretch: Stretch) -> tuple[dict[str, Any] | None, int]:
            return statistics.sessions(kept, asking, stretch, question.media_id)

        row, withheld = await desk.read(lambda: read(over))
        body = _told(over, period=question.told_period, stats=row, withheld=withheld)
        if question.compare is not None:
            before, withheld_before = await desk.read(lambda: read(over.before))
            body["previous"] = _told(over.before, stats=before, withheld=withheld_before)
        return await desk.answered(
            request, caller, asking, "/v1/media/sessions/stats", body, [] if row is None else [row]
        )


def _others(routes: APIRouter, desk: Desk) -> None:
    kept = desk.guarded.warehouse
    what = "Requests, errors and times of the Core API by route; they concern no person."

    @routes.get("/v1/api/metrics/stats", **_documented(asked.ApiQuestion, "The Core API by route", what))
    async def api(request: Request) -> Response:
        caller = await desk.caller(request)
        question = asked.read_query(asked.ApiQuestion, request.query_params.multi_items())
        asking, _ = desk.asking(caller, question.model_copy(update={"period": None, "since": None, "until": None}))
        now = datetime.fromtimestamp(desk.guarded.now_ms() / 1000, UTC)
        over = question.over(now, whole_days=False)
        rows = await desk.read(lambda: statistics.api(kept, asking, over, question.route))
        body = _told(over, period=question.told_period, stats=rows)
        if question.compare is not None:
            before = await desk.read(lambda: statistics.api(kept, asking, over.before, question.route))
            body["previous"] = _told(over.before, stats=before)
        return await desk.answered(request, caller, asking, "/v1/api/metrics/stats", body, rows)

    what = "Errors by fingerprint, the most frequent first."

    @routes.get("/v1/errors/stats", **_documented(asked.ErrorQuestion, "Errors by fingerprint", what))
    async def errors(request: Request) -> Response:
        caller = await desk.caller(request)
        question = asked.read_query(asked.ErrorQuestion, request.query_params.multi_items())
        asking, over = desk.asking(caller, question)
        rows, withheld = await desk.read(lambda: statistics.errors(kept, asking, over, question.source))
        body = _told(over, period=question.told_period, stats=rows, withheld=withheld)
        if question.compare is not None:
            before, more = await desk.read(lambda: statistics.errors(kept, asking, over.before, question.source))
            body["previous"] = _told(over.before, stats=before, withheld=more)
        return await desk.answered(request, caller, asking, "/v1/errors/stats", body, rows)

    what = "Figures of staff by team, metric and unit."

    @routes.get("/v1/staff/metrics/stats", **_documented(asked.StaffQuestion, "The work of staff by team", what))
    async def staff(request: Request) -> Response:
        caller = await desk.caller(request)
        question = asked.read_query(asked.StaffQuestion, request.query_params.multi_items())
        asking, over = desk.asking(caller, question)
        rows, withheld = await desk.read(lambda: statistics.staff(kept, asking, over, question.metric))
        body = _told(over, period=question.told_period, stats=rows, withheld=withheld)
        if question.compare is not None:
            before, more = await desk.read(lambda: statistics.staff(kept, asking, over.before, question.metric))
            body["previous"] = _told(over.before, stats=before, withheld=more)
        return await desk.answered(request, caller, asking, "/v1/staff/metrics/stats", body, rows)

    @routes.get(
        POSE,
        summary="One exercise session, measured",
        description=(
            "Frames, gaps, visibility and ranges of motion. One session is one person: analysts read the view "
            "`exercise_range_of_motion` instead. Roles: support, admin."
        ),
        responses={**_PROBLEMS, 404: {"description": "the tenant has no such session"}},
        openapi_extra={"security": [{"token": []}]},
    )
    async def pose(request: Request, session_id: str) -> Response:
        caller = await desk.caller(request, OF_PERSONS)
        asking_for = str(session_uuid(session_id))
        found = await desk.read(lambda: statistics.pose_session(kept, caller.org_id, asking_for))
        details = {"session_id": asking_for, "found": found is not None}
        await desk.record(request, caller, POSE_READ, POSE, caller.org_id, details)
        if found is None:
            raise ProblemError(404, "not_found", "there is no such session: it may have expired, or not be counted yet")
        # One person's health: no cache keeps it.
        return answer(request, found, [found], is_kept=False)


def _pseudonyms(routes: APIRouter, desk: Desk) -> None:
    @routes.post(
        "/v1/media/pseudonyms",
        summary="The pseudonym of a medium",
        description="What `media_id` filters take. The raw id is in the body only. Roles: analyst, support, admin.",
        responses={code: _PROBLEMS[code] for code in (401, 403, 422, 503)},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": asked.PseudonymRequest.model_json_schema(),
                        "example": {"media_id": "knee-squat-2"},
                    }
                },
            },
            "security": [{"token": []}],
        },
    )
    async def pseudonym(request: Request) -> Response:
        await desk.caller(request)
        raw = asked.read_body(asked.PseudonymRequest, await desk.guarded.json_object(request)).media_id
        found = desk.guarded.ring().pseudonym(Domain.MEDIA, 1, raw)
        return Response(orjson.dumps({"media_id": found}), media_type="application/json")
