"""Small questions to a local service, each with a short time-out: does it answer, and what does it say.

A probe never raises for a service that does not answer: it returns None or False, since "not yet" is the normal case.
"""

from __future__ import annotations

import http.client
import json
from typing import Any

import grpc  # type: ignore[import-untyped]  # ships no type information
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no type information

_SECONDS = 3.0
_DAEMONS = (
    "{ version instance { daemonHealth { allDaemonStatuses { daemonType healthy required lastHeartbeatTime } } } }"
)


def http_get(port: int, path: str) -> tuple[int, bytes] | None:
    """Status and body of a GET on loopback."""
    return _request(port, "GET", path, None)


def _request(port: int, method: str, path: str, body: bytes | None) -> tuple[int, bytes] | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def is_http_ok(port: int, path: str) -> bool:
    """Whether a GET is answered with 200."""
    answer = http_get(port, path)
    return answer is not None and answer[0] == http.client.OK


def is_code_server_ready(port: int) -> bool:
    """Whether the code server has loaded the definitions; its port is open long before."""
    request = health_pb2.HealthCheckRequest(service="DagsterApi")
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_SECONDS)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def dagster_state(port: int) -> dict[str, Any] | None:
    """What the webserver says about version and daemons."""
    answer = _request(port, "POST", "/graphql", json.dumps({"query": _DAEMONS}).encode())
    if answer is None or answer[0] != http.client.OK:
        return None
    data = json.loads(answer[1]).get("data")
    return data if isinstance(data, dict) else None


def are_daemons_alive(port: int, since: float) -> bool:
    """Whether every required daemon is healthy and has said so after `since` (seconds since 1970).

    Dagster calls a daemon healthy for minutes after its last word, also when it was killed in between.
    """
    state = dagster_state(port)
    if state is None:
        return False
    required = [one for one in state["instance"]["daemonHealth"]["allDaemonStatuses"] if one["required"]]
    return bool(required) and all(one["healthy"] and (one["lastHeartbeatTime"] or 0) >= since for one in required)
