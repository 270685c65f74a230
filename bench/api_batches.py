"""`api.batch_1` and `api.batch_100`: events per second accepted over HTTP.

The floor is the same web server and framework with a handler that only adds the raw body to a stream: what reading a
request and one durable XADD cost. Both servers run one process each and get the same requests from the same client.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import jwt
import orjson

from bench.figures import Figure, note
from bench.load import encode, load
from telemetry_platform.stores import redis

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry_platform.embedded.platform import PlatformHandle

PATH = "/v1/media/events"
ROUNDS = 3
REQUESTS = {1: 3_000, 100: 150}


def bearer(handle: PlatformHandle, *, role: str = "patient", subject: str = "bench-patient") -> str:
    """A token of the local profile."""
    token = handle.settings.api.token
    if token.secret is None:
        raise ValueError("the benchmark signs its own tokens: unset TELEMETRY_API__TOKEN__JWKS_URL and _JWKS_FILE")
    claims = {
        "sub": subject, "org_id": "bench", "roles": [role], "iss": token.issuer, "aud": token.audience,
        "exp": datetime.now(UTC) + timedelta(hours=1),
    }  # fmt: skip
    return jwt.encode(claims, token.secret.get_secret_value(), algorithm="HS256")


def heartbeat(rng: random.Random, session_id: str) -> dict[str, object]:
    """One event, the most frequent one."""
    return {
        "event": "heartbeat", "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "session_id": session_id, "media_id": f"exercise-{rng.randrange(40)}", "media_type": "video",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "data": {
            "position_seconds": round(rng.uniform(0, 480), 1), "buffering_count": rng.randrange(4),
            "buffering_duration_ms": rng.randrange(4_000), "current_bitrate": 2_500_000, "resolution": "720p",
            "dropped_frames": rng.randrange(20),
        },
    }  # fmt: skip


def requests_of(rng: random.Random, port: int, per_request: int, headers: Mapping[str, str]) -> list[bytes]:
    """Requests of one size; every session sends 20 of them."""
    made = []
    for number in range(REQUESTS[per_request]):
        if number % 20 == 0:
            session_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        events = [heartbeat(rng, session_id) for _ in range(per_request)]
        made.append(encode(PATH, port, orjson.dumps(events[0] if per_request == 1 else {"events": events}), headers))
    return made


@contextmanager
def floor_server(handle: PlatformHandle, port: int) -> Iterator[None]:
    """The floor, in a process of its own, with the options of our API's server."""
    arguments = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-access-log",
        "--no-proxy-headers",
        "--loop",
        "uvloop",
    ]
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", "bench.floor_app:create_app", "--http", "httptools", *arguments],
        env={**os.environ, **handle.env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", timeout=1)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(10)


def measure(handle: PlatformHandle, floor_port: int) -> list[Figure]:
    """Both sizes; ours and the floor in turns, the best round of each."""
    rng = random.Random(11)  # noqa: S311 - the same load on every run
    headers = {
        "authorization": f"Bearer {bearer(handle)}", "x-consent-level": "2",
        "user-agent": "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile",
    }  # fmt: skip
    port = urlsplit(handle.api_url).port or 80
    figures = []
    with floor_server(handle, floor_port):
        for size in REQUESTS:
            ours, floor = [], []
            for _ in range(ROUNDS):
                ours.append(load(port, requests_of(rng, port, size, headers)).per_second(size))
                floor.append(load(floor_port, requests_of(rng, floor_port, size, headers)).per_second(size))
                note(f"{size} per request: {ours[-1]:,.0f} events/s, floor {floor[-1]:,.0f} events/s")
                _forget(handle)
            figures.append(Figure(f"api.batch_{size}", max(ours), "events/s", max(floor)))
    return figures


def _forget(handle: PlatformHandle) -> None:
    """Empty the streams, so that no round meets a fuller queue than another."""
    with redis.connect(handle.settings.redis) as client:
        for stream in client.scan_iter("telemetry:*", _type="stream"):
            client.xtrim(stream, maxlen=0, approximate=False)
