"""Room in the landing queue: what each kind may fill, what is reserved, and a server that states no limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.stores import redis
from telemetry_platform.stores.queue_room import STREAM_SHARE
from telemetry_platform_tests.api.serving import Api, at, event, serving

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings


def with_memory(platform: Settings, limit: int) -> Settings:
    return platform.model_copy(update={"redis": platform.redis.model_copy(update={"maxmemory_bytes": limit})})


def flooded(platform: Settings, kind: str) -> Settings:
    """The platform with a stream of one kind that fills its share, on a server that is not full as a whole."""
    stream = stream_name(kind, 0)
    with redis.connect(platform.redis) as client:
        size = 6 * client.info("memory")["used_memory"]
        with client.pipeline(transaction=False) as pipe:
            for _ in range(size // 100_000):
                pipe.xadd(stream, {"body": b"x" * 100_000})
            pipe.execute()
        used, filled = client.info("memory")["used_memory"], client.memory_usage(stream)
    limit = int(used / platform.redis.max_fill * 1.05)
    assert filled / limit > platform.redis.max_fill * STREAM_SHARE
    return with_memory(platform, limit)


def room(api: Api) -> tuple[int, bool, str]:
    answer = api.client.get("/health/ready")
    check = answer.json()["checks"]["queue_room"]
    return answer.status_code, check["ok"], check["detail"]


ERRORS = "/v1/errors/report"
FAILURE = {"error_code": "E1"}


def test_a_flood_of_errors_costs_neither_events_nor_the_trail_their_room(empty_platform: Settings) -> None:
    with serving(flooded(empty_platform, "errors")) as api:
        assert api.post(event("error", data=FAILURE)).json()["code"] == "queue_full"
        assert api.post(event()).status_code == 202
        assert api.post(event("session_start")).status_code == 202
        assert api.post(event("session_start"), {"X-Consent-Level": "1"}).status_code == 202
        assert len(api.entries("audit")) == 2
        # One kind without room does not send everybody else away.
        status, ok, detail = room(api)
        assert (status, ok) == (200, True)
        assert "no room for errors" in detail


def test_a_flood_without_tokens_leaves_room_for_the_reports_of_those_who_have_one(empty_platform: Settings) -> None:
    stranded = flooded(empty_platform, "errors")
    assert stranded.redis.maxmemory_bytes is not None
    # The same flood on a larger server: above what strangers may fill, below what the kind may.
    with serving(with_memory(stranded, int(stranded.redis.maxmemory_bytes * 1.5))) as api:
        report = {"source": "app", "error_code": "E1", "timestamp": at(0)}
        assert api.post_to(ERRORS, report, {"Authorization": ""}).json()["code"] == "queue_full"
        assert api.post_to(ERRORS, report).status_code == 202
        assert api.post(event("error", data=FAILURE)).status_code == 202
        assert room(api)[:2] == (200, True)


@pytest.mark.parametrize("kind", ["media", "drops"])
def test_a_flood_of_anything_leaves_room_for_access_records(empty_platform: Settings, kind: str) -> None:
    with serving(flooded(empty_platform, kind)) as api:
        wanted = {"media": "2", "drops": "1"}[kind]
        assert api.post(event(), {"X-Consent-Level": wanted}).json()["code"] == "queue_full"
        assert api.post(event("session_start"), {"X-Consent-Level": "1"}).status_code == 202
        assert len(api.entries("audit")) == 1


SERVICE: dict[str, Any] = {"sub": "core-api", "roles": ["service"]}


def test_a_flood_of_security_events_leaves_the_trail_its_room(empty_platform: Settings) -> None:
    """Security and the trail have room above all others; of that, security may fill a half."""
    stranded = flooded(empty_platform, "security")
    assert stranded.redis.maxmemory_bytes is not None
    # A smaller server: above what all may fill, below what is reserved.
    with serving(with_memory(stranded, int(stranded.redis.maxmemory_bytes / 1.15))) as api:
        attack = {"event_id": str(uuid4()), "timestamp": at(0), "type": "auth.failed", "severity": "low"}
        assert api.post_to("/v1/security/events", attack, **SERVICE).json()["code"] == "queue_full"
        said = {"actor_type": "system", "action": "backup.made", "resource_type": "database", "outcome": "success"}
        action = {"event_id": str(uuid4()), "timestamp": at(0), **said}
        assert api.post_to("/v1/audit/events", action, **SERVICE).status_code == 202
        assert api.post(event("session_start"), {"X-Consent-Level": "1"}).status_code == 202
        assert len(api.entries("audit")) == 2


def test_a_server_that_states_no_limit_is_not_ready_until_the_settings_state_one(
    engines: PlatformHandle, empty_platform: Settings
) -> None:
    database = urlsplit(empty_platform.redis.url.get_secret_value()).path
    admin = SecretStr(urlunsplit(urlsplit(engines.redis_admin_url)._replace(path=database)))
    with redis.connect(empty_platform.redis.model_copy(update={"url": admin})) as client:
        stated = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", 0)
        try:
            with serving(empty_platform) as api:
                status, ok, detail = room(api)
                assert (status, ok) == (503, False)
                assert "TELEMETRY_REDIS__MAXMEMORY_BYTES" in detail
            with serving(with_memory(empty_platform, int(stated))) as api:
                assert room(api)[:2] == (200, True)
        finally:
            client.config_set("maxmemory", stated)


def test_what_leaves_no_entry_needs_no_room(empty_platform: Settings) -> None:
    with serving(with_memory(empty_platform, 1)) as api:
        assert api.post(event("rewind")).status_code == 422
        assert api.post(event()).status_code == 503
