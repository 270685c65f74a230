"""The OpenAPI document and its page, made from the contracts; the examples work when they are posted as they stand.

Examples carry the time of the request for the document, because an event of last week is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, JSONResponse

from telemetry_platform.api.openapi import paths_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastapi import FastAPI

    from telemetry_platform.contracts.event_kind import EventKind

_CDN = "https://cdn.jsdelivr.net"
_CSP = (
    f"default-src 'self'; script-src 'self' 'unsafe-inline' {_CDN}; style-src 'self' 'unsafe-inline' {_CDN}; "
    "img-src 'self' data: https://fastapi.tiangolo.com; frame-ancestors 'none'"
)


def add(app: FastAPI, posted: Sequence[EventKind], now_ms: Callable[[], int]) -> None:
    """Add `/openapi.json` and `/docs`."""

    def document() -> dict[str, Any]:
        found = get_openapi(
            title=app.title,
            version=app.version,
            description="High-frequency telemetry, pseudonymised and consent-gated before it is kept.",
            routes=app.routes,
        )
        paths, schemas = paths_of(posted, now_ms())
        found["paths"] = {**paths, **found.get("paths", {})}
        components = found.setdefault("components", {})
        components["schemas"] = {**components.get("schemas", {}), **schemas}
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        return found

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to give a document of one's own

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(document())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = get_swagger_ui_html(openapi_url="/openapi.json", title=f"{app.title} API")
        page.headers["Content-Security-Policy"] = _CSP
        return page
