"""The floor of the API: the same web server and framework, with a handler that only adds the raw body to a stream."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from telemetry_platform import settings as platform_settings
from telemetry_platform.stores import redis

STREAM = "telemetry:bench:floor"


def create_app() -> FastAPI:
    """An application with one route."""
    app = FastAPI(openapi_url=None)
    client = redis.connect_async(platform_settings.load().redis)

    @app.post("/v1/media/events")
    async def add(request: Request) -> Response:
        await client.xadd(STREAM, {"body": await request.body()})
        return Response(b'{"status":"accepted"}', status_code=202, media_type="application/json")

    return app
