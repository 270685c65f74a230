"""When a store is full, gone, or hangs: the answer says whether anything was taken, and when to come again."""

from __future__ import annotations

import json
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.stores import redis
from telemetry_platform_tests.api.serving import Api, event, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from telemetry_platform.settings import Settings


def changed(platform: Settings, part: str, **values: Any) -> Settings:  # noqa: ANN401 - values of settings
    return platform.model_copy(update={part: getattr(platform, part).model_copy(update=values)})


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_ok(api: Api, part: str) -> bool:
    return bool(api.client.get("/health/ready").json()["checks"][part]["ok"])


@contextmanager
def unused_port(*, listening: bool) -> Iterator[int]:
    """A port where nobody answers: closed, or taken by somebody who listens and says nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if listening:
            taken.listen(16)
        yield taken.getsockname()[1]


def test_a_full_queue_is_503_and_nothing_is_taken_but_audit_has_room_of_its_own(empty_platform: Settings) -> None:
    # With what a server's own connections and scripts take.
    with serving(empty_platform), redis.connect(empty_platform.redis) as client:
        used = client.info("memory")["used_memory"]
    with serving(changed(empty_platform, "redis", maxmemory_bytes=int(used / 0.7))) as api:
        wait_until(lambda: not is_ok(api, "queue_room"))
        answer = api.post({"events": [event("session_start"), event()]})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["code"] == "queue_full"
        assert all(api.entries(kind) == [] for kind in ("media", "audit", "drops"))
        view = api.post(event("session_start"), {"X-Consent-Level": "1"})
        assert view.status_code == 202
        assert len(api.entries("audit")) == 1


def test_a_server_that_is_gone_is_503(empty_platform: Settings) -> None:
    with (
        unused_port(listening=False) as port,
        serving(changed(empty_platform, "redis", url=SecretStr(f"redis://127.0.0.1:{port}/0"))) as api,
    ):
        answer = api.post(event())
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
        assert answer.json()["code"] == "store_unavailable"
        assert "nothing of the request was taken" in answer.json()["detail"]
        assert not is_ok(api, "redis")
        assert api.client.get("/health/live").status_code == 200


def test_a_server_that_hangs_is_503_for_everybody_who_waits(empty_platform: Settings) -> None:
    with (
        unused_port(listening=True) as port,
        serving(changed(empty_platform, "redis", url=SecretStr(f"redis://127.0.0.1:{port}/0"))) as api,
    ):
        assert api.post(event()).status_code == 503
        assert not is_ok(api, "redis")


def test_without_keys_the_process_starts_and_takes_nothing(empty_platform: Settings) -> None:
    with (
        unused_port(listening=False) as port,
        serving(
            changed(
                empty_platform, "postgres", url=SecretStr(f"postgresql://telemetry_ingest@127.0.0.1:{port}/telemetry")
            )
        ) as api,
    ):
        assert api.post(event()).status_code == 503
        assert not is_ok(api, "key_list")
        assert api.entries("media") == []


def test_a_refused_transaction_is_503_and_no_gap(api: Api) -> None:
    stream = stream_name("media", 0)
    assert api.post(event()).status_code == 202
    (before,) = api.entries("media")
    with redis.connect(api.settings.redis) as client:
        client.delete(stream)
        client.set(stream, "no stream")
        answer = api.post(event("session_start"))
        assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
        # Redis does not roll back: the access record of the same transaction is there.
        assert len(api.entries("audit")) == 1
        client.delete(stream)
    assert api.post(event()).status_code == 202
    (after,) = api.entries("media")
    assert after["producer"] != before["producer"]
    assert after["producer_seq"] == "1"


def test_e68_neither_log_nor_metrics_hold_what_was_sent(platform: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(platform) as api:
        secret = event("error", data={"error_code": "E1", "error_message": "ana@example.com"}, media_id="Knee Squat")
        api.post(secret, {"X-Forwarded-For": "203.0.113.9", "User-Agent": "AnaPopescu/1.0"}, sub="ana-42")
        api.client.get("/v1/people/ana-42?mail=ana@example.com")
        api.post(event("ana-42"))
        metrics = api.client.get("/metrics").text
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    assert {json.loads(line)["route"] for line in lines if "route" in json.loads(line)} >= {
        "/v1/media/events",
        "unmatched",
    }
    for raw in ("ana", "Ana", "203.0.113", "Knee", "127.0.0.1", secret["session_id"]):
        assert raw not in "\n".join(lines)
        assert raw not in metrics
