"""`/support` and `/status`: why a patient's video does not play, and what the platform is doing, for people.

Invariants: every text of an event is escaped by the template engine; their policy allows files of our own origin only;
a raw id comes in a form's body and stands on no page and in no address; every look is in the audit trail first.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation when the route is made
from starlette.responses import HTMLResponse, RedirectResponse, Response

from telemetry_platform.api import refusals
from telemetry_platform.api.front import say, template
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.session_routes import session_uuid
from telemetry_platform.api.support import door, words
from telemetry_platform.api.support_reader import SupportReader, read_search
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.own_actions import STATUS_READ
from telemetry_platform.processing.session_drawing import draw
from telemetry_platform.usecases.platform_status import PlatformStatus, platform_status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from importlib.resources.abc import Traversable

    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.api.tokens import Caller

HOME, SESSION, STATUS = "/support", "/support/sessions/{session_id}", "/status"
_CSP = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self'"
)
_PASTE_ALL = "Paste a token, all of it; one of more than 3,500 characters does not fit into a cookie."
_STATIC = files("telemetry_platform.api.support") / "static"
_FILES = ((_STATIC / "support.css", "text/css"), (_STATIC / "support.js", "text/javascript"))


class Pages:
    """Renders templates. Made once: a template is read and compiled at its first use."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("telemetry_platform.api.support"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= words.FILTERS

    def answer(self, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:  # noqa: ANN401 - a template's values
        """A page."""
        text = self._templates.get_template(template).render(**values)
        return HTMLResponse(text, status, headers={"Content-Security-Policy": _CSP})

    def problem(self, problem: ProblemError, caller: Caller | None) -> HTMLResponse:
        """What went wrong, in plain words; whoever is not signed in is asked to."""
        if problem.status == 401:  # noqa: PLR2004 - no valid token
            return self.answer("sign_in.html", 401, caller=None, fault="The token is not valid here, or it has ended.")
        faults = [f"{fault.field}: {fault.message}" if fault.field else fault.message for fault in problem.faults]
        page = self.answer(
            "problem.html", problem.status, caller=caller, title=words.problem_title(problem.status),
            detail=problem.detail, faults=faults,
        )  # fmt: skip
        page.headers.update({name: value for name, value in problem.headers.items() if name == "Retry-After"})
        return page


def router(guarded: Guarded) -> APIRouter:
    """The routes; none of them stands in the API's document, but the status as JSON."""
    routes, pages, reader = APIRouter(), Pages(), SupportReader(guarded)
    _Support(guarded, pages, reader).add(routes)
    _Status(guarded, pages, reader).add(routes)
    for file, media_type in _FILES:
        routes.get(f"{HOME}/static/{file.name}", include_in_schema=False)(_serving(file, media_type))
    return routes


class _Support:
    """Sign in and out, find, look."""

    def __init__(self, guarded: Guarded, pages: Pages, reader: SupportReader) -> None:
        self._guarded, self._pages, self._reader = guarded, pages, reader

    def add(self, routes: APIRouter) -> None:
        routes.get(HOME, include_in_schema=False)(self.home)
        routes.post(f"{HOME}/sign-in", include_in_schema=False)(self.sign_in)
        routes.post(f"{HOME}/sign-out", include_in_schema=False)(self.sign_out)
        routes.post(f"{HOME}/find", include_in_schema=False)(self.find)
        routes.get(SESSION, include_in_schema=False)(self.session)

    async def home(self, request: Request) -> Response:
        async def show(caller: Caller) -> Response:
            return self._pages.answer("find.html", caller=caller, fault="", asked={})

        return await _for(self._guarded, self._pages, request, show)

    async def sign_in(self, request: Request) -> Response:
        try:
            token = (await door.form(request)).get("token", "").strip()
            if not 0 < len(token) <= door.LONGEST_TOKEN or not token.isascii():
                return self._pages.answer("sign_in.html", 422, caller=None, fault=_PASTE_ALL)
            caller = await self._caller_of(request, token)
        except ProblemError as problem:
            return _refused(self._guarded, self._pages, request, problem, None)
        to = HOME if not caller.roles.isdisjoint(door.ROLES) else STATUS
        response = RedirectResponse(to, 303)
        door.sign_in(self._guarded, request, response, token, caller)
        return response

    async def _caller_of(self, request: Request, token: str) -> Caller:
        try:
            return await self._guarded.caller_of_token(request, token, door.STATUS_ROLES)
        except ProblemError as problem:
            # A valid token of another role costs nothing.
            if problem.status == 401:  # noqa: PLR2004 - no valid token
                await door.charge_failure(self._guarded, request)
            raise

    async def sign_out(self, request: Request) -> Response:
        try:
            door.refuse_elsewhere(request)
        except ProblemError as problem:
            return _refused(self._guarded, self._pages, request, problem, None)
        response = RedirectResponse(HOME, 303)
        door.sign_out(request, response)
        return response

    async def find(self, request: Request) -> Response:
        async def show(caller: Caller) -> Response:
            given = await door.form(request)
            wanted = {name: text.strip() for name, text in given.items() if text.strip()}
            unknown = wanted.keys() - {"user_id", "session_id", "error_code", "from", "to"}
            days = {name: f"{text}T00:00:00Z" for name, text in wanted.items() if name in {"from", "to"}}
            if unknown:
                return self._pages.answer("find.html", 422, caller=caller, fault="A field is not known.", asked={})
            try:
                asked = read_search(wanted | days)
            except ProblemError as problem:
                told = [f"{words.field(fault.field)}: {fault.message}" for fault in problem.faults]
                # The id of a person is not shown again: it would stand in the page.
                kept = {
                    name: text for name, text in wanted.items() if name in {"session_id", "error_code", "from", "to"}
                }
                page = {"fault": "; ".join(told) or problem.detail, "asked": kept}
                return self._pages.answer("find.html", 422, caller=caller, **page)
            found = await self._reader.search(request, caller, asked, f"{HOME}/find")
            return self._pages.answer("sessions.html", caller=caller, lines=found, by=words.field(asked.by))

        return await _for(self._guarded, self._pages, request, show)

    async def session(self, request: Request, session_id: str) -> Response:
        async def show(caller: Caller) -> Response:
            found = await self._reader.look(request, caller, session_uuid(session_id), SESSION)
            duration = found.row["total_duration_seconds"]
            drawing = draw(found.events, found.stalls, duration_seconds=duration)
            return self._pages.answer(
                "session.html",
                caller=caller,
                session=found.row,
                verdict=found.verdict,
                events=words.timeline(found.events),
                stalls=found.stalls,
                drawing=drawing,
                link=str(request.url.replace(query="", fragment="")),
            )

        return await _for(self._guarded, self._pages, request, show)


class _Status:
    """What the platform is doing: as a page for whoever is signed in, as JSON for whoever has a token."""

    def __init__(self, guarded: Guarded, pages: Pages, reader: SupportReader) -> None:
        self._guarded, self._pages, self._reader = guarded, pages, reader

    def add(self, routes: APIRouter) -> None:
        routes.get(STATUS, include_in_schema=False)(self.page)
        routes.get(
            "/v1/status",
            tags=["support"],
            summary="What the platform itself is doing",
            description=(
                "Queue, drain, dead letters, drops, rollups, the Do Not Sell list, retention and the audit trail, each "
                "with its state (ok, attention, wrong, unknown) and what to do. Roles: support, analyst, compliance, "
                "admin."
            ),
            responses={401: {"description": "no valid token"}, 403: {"description": "none of the roles"}},
            openapi_extra={"security": [{"token": []}]},
        )(self.json)

    def _look(self, caller: Caller, now: datetime) -> PlatformStatus:
        return platform_status(self._guarded.settings, now, of_all_tenants=Role.ADMIN in caller.roles)

    async def page(self, request: Request) -> Response:
        async def show(caller: Caller) -> Response:
            now = self._reader.now()
            found = await self._reader.read(lambda: self._look(caller, now))
            await self._reader.record(request, caller, STATUS_READ, STATUS, details={})
            return self._pages.answer("status.html", caller=caller, status=found)

        return await _for(self._guarded, self._pages, request, show, door.STATUS_ROLES)

    async def json(self, request: Request) -> Response:
        caller = await self._guarded.caller(request, door.STATUS_ROLES)
        now = self._reader.now()
        found = await self._reader.read(lambda: self._look(caller, now))
        await self._reader.record(request, caller, STATUS_READ, "/v1/status", details={})
        body = {"at": found.at, "state": found.state, "parts": [asdict(part) for part in found.parts]}
        return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


async def _for(
    guarded: Guarded,
    pages: Pages,
    request: Request,
    show: Callable[[Caller], Awaitable[Response]],
    roles: frozenset[Role] = door.ROLES,
) -> Response:
    """The page for whoever is signed in, else the page to sign in; what is refused is said in plain words."""
    caller: Caller | None = None
    try:
        caller = await door.caller(guarded, request, roles)
        if caller is None:
            return pages.answer("sign_in.html", caller=None, fault="")
        return await show(caller)
    except ProblemError as problem:
        return _refused(guarded, pages, request, problem, caller)


def _refused(
    guarded: Guarded, pages: Pages, request: Request, problem: ProblemError, caller: Caller | None
) -> HTMLResponse:
    """As the JSON routes do: security is told of it, our log of its cause."""
    if problem.cause is not None:
        say(problem.cause)
    refusals.refused(guarded.incoming(request), template(request.scope), problem, guarded.doors)
    return pages.problem(problem, caller)


def _serving(file: Traversable, media_type: str) -> Callable[[], Awaitable[Response]]:
    content = file.read_bytes()

    async def serve() -> Response:
        return Response(content, media_type=media_type)

    return serve
