"""A server with our app, on a real socket in this process, and what tests say to it."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import jwt
import uvicorn

from telemetry_platform.api.app import create_app
from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.stores import redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings

NOW = datetime(2026, 2, 17, 10, 0, 0, 400_000, tzinfo=UTC)
"""The clock of the servers in these tests."""
MEDIA = "/v1/media/events"


@dataclass
class Api:
    """A running server."""

    settings: Settings
    port: int
    client: httpx.Client

    def token(self, **claims: Any) -> str:  # noqa: ANN401 - JSON values
        """A token of a patient, with other claims where they are given; None leaves a claim out."""
        expected = self.settings.api.token
        secret = expected.secret.get_secret_value() if expected.secret else ""
        return jwt.encode(claims_of(self.settings, **claims), secret, algorithm="HS256")

    def headers(self, **claims: Any) -> dict[str, str]:  # noqa: ANN401 - JSON values
        """What a browser sends of a patient who agreed to analytics."""
        return {"Authorization": f"Bearer {self.token(**claims)}", "X-Consent-Level": "2"}

    def post(self, body: Any, headers: dict[str, str] | None = None, **claims: Any) -> httpx.Response:  # noqa: ANN401 - JSON
        """Post one media event or a batch; bytes are sent as they are."""
        return self.post_to(MEDIA, body, headers, **claims)

    def post_to(self, path: str, body: Any, headers: dict[str, str] | None = None, **claims: Any) -> httpx.Response:  # noqa: ANN401 - JSON
        """The same to another endpoint; a header that is given as an empty text is not sent."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **self.headers(**claims), **(headers or {})}
        return self.client.post(path, content=content, headers={name: text for name, text in sent.items() if text})

    def entries(self, kind: str) -> list[dict[str, str]]:
        """What lies in the landing stream of a kind."""
        with redis.connect(self.settings.redis) as client:
            found: Any = client.xrange(stream_name(kind, 0))
        return [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in found]

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of the entries."""
        return [json.loads(entry["body"]) for entry in self.entries(kind)]

    def metric(self, line_start: str) -> float:
        """The value of one line of /metrics; 0 when it is not there."""
        lines = self.client.get("/metrics").text.splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(line_start)), 0.0)


def claims_of(settings: Settings, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    """The claims of a patient's token."""
    claims: dict[str, Any] = {
        "sub": "user-1",
        "org_id": "clinic-1",
        "roles": ["patient"],
        "iss": settings.api.token.issuer,
        "aud": settings.api.token.audience,
        "exp": int(time.time()) + 600,
    }
    return {name: value for name, value in (claims | given).items() if value is not None}


def event(name: str = "heartbeat", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    """A valid event of a new session; None leaves a field out."""
    found: dict[str, Any] = {
        "event": name,
        "session_id": str(uuid4()),
        "media_id": "knee-squat-2",
        "timestamp": at(0),
        "data": {"position_seconds": 45.2},
    }
    return {key: value for key, value in (found | fields).items() if value is not None}


def at(seconds: float, moment: datetime = NOW) -> str:
    """A timestamp so many seconds after the servers' clock."""
    return (moment + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def serving(settings: Settings, now: datetime | None = NOW) -> Iterator[Api]:
    """Serve on a free port; `now` None is the machine's own clock."""
    clock = None if now is None else lambda: int(now.timestamp() * 1000)
    config = uvicorn.Config(
        create_app(settings, clock),
        host="127.0.0.1",
        port=0,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        proxy_headers=False,
        access_log=False,
        server_header=False,
        log_level="warning",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the server did not start: see its log above")
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            yield Api(settings, port, client)
    finally:
        server.should_exit = True
        thread.join(10)
