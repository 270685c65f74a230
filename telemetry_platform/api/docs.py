"""The OpenAPI document and its page, made from the contracts; the examples work when they are posted as they stand.

Examples carry the time of the request for the document, because an event of last week is refused.

Invariant: the page, its scripts and its styles come from our own origin, and its policy allows no others and nothing
inline: tokens are typed into this page, and a script from elsewhere could read them.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, JSONResponse, Response

from telemetry_platform.api.openapi import paths_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from importlib.resources.abc import Traversable

    from fastapi import FastAPI

    from telemetry_platform.contracts.event_kind import EventKind

# Swagger UI draws its arrows from data: images in its style sheet; images run nothing.
_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_OWN = files("telemetry_platform.api") / "docs_page"
# Taken for its files alone: Swagger UI, which reads OpenAPI 3.1, as a package that the lock pins by hash.
_SWAGGER = files("fastapi_offline") / "static"
_ASSETS = (
    (_SWAGGER / "swagger-ui.css", "text/css"),
    (_SWAGGER / "swagger-ui-bundle.js", "text/javascript"),
    (_OWN / "page.css", "text/css"),
    (_OWN / "start.js", "text/javascript"),
)


def add(app: FastAPI, posted: Sequence[EventKind], now_ms: Callable[[], int]) -> None:
    """Add `/openapi.json`, `/docs` and the files that the page is made of."""

    def document() -> dict[str, Any]:
        found = get_openapi(
            title=app.title,
            version=app.version,
            description="High-frequency telemetry, pseudonymised and consent-gated before it is kept.",
            routes=app.routes,
        )
        paths, schemas = paths_of(posted, now_ms())
        others = found.get("paths", {})
        # By method: what is posted to a path may be read from it, too.
        found["paths"] = {path: paths.get(path, {}) | others.get(path, {}) for path in (*paths, *others)}
        components = found.setdefault("components", {})
        components["schemas"] = {**components.get("schemas", {}), **schemas}
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        return found

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to give a document of one's own

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(document())

    page = (_OWN / "page.html").read_text(encoding="utf-8")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": _CSP})

    for file, media_type in _ASSETS:
        app.get(f"/docs/{file.name}", include_in_schema=False)(_serving(file, media_type))


def _serving(file: Traversable, media_type: str) -> Callable[[], Awaitable[Response]]:
    """What answers with one file beside the page; it is read once."""
    content = file.read_bytes()

    async def serve() -> Response:
        return Response(content, media_type=media_type)

    return serve
