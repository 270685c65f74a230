"""The pages' door: a token is swapped for a cookie, and a form is taken from our own pages only.

Invariants: the cookie holds the token itself, so that it ends when the token does, and no process must remember it; no
script can read it, no other site can send it; a request that changes or looks for anything names our own origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from telemetry_platform.api import body as bodies
from telemetry_platform.api import compliance
from telemetry_platform.api.guarded import unavailable
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.errors import PlatformError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.api.tokens import Caller

ROLES = frozenset({Role.SUPPORT, Role.ADMIN})
STATUS_ROLES = frozenset({Role.SUPPORT, Role.ADMIN, Role.COMPLIANCE, Role.ANALYST})
LONGEST_SECONDS = 8 * 3600
LONGEST_TOKEN = 3500
"""Browsers drop cookies of more than 4,096 bytes without a word."""
_COOKIE = "telemetry_support"
_LONGEST_FORM = 16 * 1024
_COST_OF_FAILURE = 10
"""In reports without a token, whose limit this shares: by default twelve tries at once, then six a minute."""
_FORM = b"application/x-www-form-urlencoded"


def cookie_name(request: Request) -> str:
    """Browsers take a `__Host-` cookie over TLS only, from this very host, for all of its paths."""
    return f"__Host-{_COOKIE}" if is_secure(request) else _COOKIE


def is_secure(request: Request) -> bool:
    """Whether cookies are for TLS only: everywhere but on this machine. The scheme says nothing behind a proxy."""
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return name not in {"localhost", "::1"} and not name.startswith("127.")


async def caller(guarded: Guarded, request: Request, roles: frozenset[Role] = ROLES) -> Caller | None:
    """Who is signed in; None without a valid cookie. Raises ProblemError (403) for another role."""
    token = request.cookies.get(cookie_name(request))
    if not token or not token.isascii():
        return None
    try:
        return await guarded.caller_of_token(request, token, roles)
    except ProblemError as problem:
        if problem.status == 401:  # noqa: PLR2004 - the token has ended, or is none
            return None
        raise


def sign_in(guarded: Guarded, request: Request, response: Response, token: str, who: Caller) -> None:
    """Let the browser keep the token for as long as it lives, eight hours at most."""
    left = int(who.expires_at - guarded.now_ms() / 1000)
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=max(min(left, LONGEST_SECONDS), 0),
        path="/",
        httponly=True,
        samesite="strict",
        secure=is_secure(request),
    )


async def charge_failure(guarded: Guarded, request: Request) -> None:
    """A token that is none costs its sender; a valid one never does. Raises ProblemError (429, 503)."""
    limits, address = guarded.doors.limits, compliance.from_where(guarded.incoming(request), guarded.doors)
    try:
        await limits.charge(address, min(_COST_OF_FAILURE, limits.max_events), guarded.now_ms())
    except PlatformError as error:
        raise unavailable(error) from None


def sign_out(request: Request, response: Response) -> None:
    """Let the browser forget it."""
    response.delete_cookie(cookie_name(request), path="/", httponly=True, samesite="strict", secure=is_secure(request))


async def form(request: Request) -> dict[str, str]:
    """A form of our own pages, each field once. Raises ProblemError (400, 403, 413, 415)."""
    refuse_elsewhere(request)
    headers: dict[bytes, list[bytes]] = {}
    for name, value in request.scope["headers"]:
        headers.setdefault(name, []).append(value)
    if headers.get(b"content-type", [b""])[0].split(b";")[0].strip().lower() != _FORM:
        raise ProblemError(415, "unsupported_media_type", "this takes the form of its own page only")
    raw = await bodies.read_body(request.receive, _LONGEST_FORM)
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=16, errors="strict")
    except ValueError:
        raise ProblemError(400, "malformed_form", "the form cannot be read") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ProblemError(400, "malformed_form", "a field of the form is given twice")
    return found


def refuse_elsewhere(request: Request) -> None:
    """Raises ProblemError (403) when another site's page sends this: its origin is not ours, or it does not say."""
    # Under our Referrer-Policy browsers send `Origin: null` even from our own pages: what they say of the site decides,
    # and the origin only where they say nothing of it.
    site = request.headers.get("sec-fetch-site")
    origin, ours = request.headers.get("origin", ""), request.headers.get("host", "")
    if site != "same-origin" and (site is not None or not ours or urlsplit(origin).netloc != ours):
        raise ProblemError(403, "foreign_page", "this is taken from its own page only: open it and try again there")
