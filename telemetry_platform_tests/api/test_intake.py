"""Numbered entries on their way in: a service's numbers reach the queue, and what is durable is on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.embedded.platform import running_stores
from telemetry_platform.embedded.state import wait_until
from telemetry_platform.stores import postgres, redis
from telemetry_platform.usecases.ensure_keys import ensure_keys
from telemetry_platform_tests.api.serving import NOW, Api, at, event, serving
from telemetry_platform_tests.exclusion_lists import load_exclusions

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle

AUDIT = "/v1/audit/events"
SECURITY = "/v1/security/events"
SERVICE: dict[str, Any] = {"sub": "core-api", "roles": ["service"]}


def action(number: int | None = None, producer: str | None = "core-api-7d9f-x2") -> dict[str, Any]:
    said = {"actor_type": "system", "action": "backup.made", "resource_type": "database", "outcome": "success"}
    found = {"event_id": str(uuid4()), "timestamp": at(0), "producer": producer, "producer_seq": number, **said}
    return {name: value for name, value in found.items() if value is not None}


def attack(number: int) -> dict[str, Any]:
    said = {"event_id": str(uuid4()), "timestamp": at(0), "type": "auth.failed", "severity": "low"}
    return {**said, "producer": "core-api-7d9f-x2", "producer_seq": number}


def numbers(api: Api, kind: str) -> list[tuple[str | None, str | None]]:
    return [(entry.get("source"), entry.get("source_seq")) for entry in api.entries(kind)]


def test_a_services_numbers_stand_beside_the_bodies(api: Api) -> None:
    batch = {"events": [action(1), action(2), action(3, producer=None), action(None), action(4)]}
    assert api.post_to(AUDIT, batch, **SERVICE).status_code == 202
    named = "core-api-7d9f-x2"
    assert sorted(numbers(api, "audit"), key=str) == sorted(
        [(named, "1"), (named, "2"), (None, None), (None, None), (named, "4")], key=str
    )
    # Beside the body, and not within: it is the body of a row.
    assert all("producer" not in body for body in api.bodies("audit"))
    assert api.post_to(SECURITY, attack(1), **SERVICE).status_code == 202
    assert numbers(api, "security") == [(named, "1")]


def test_an_entry_of_the_api_itself_has_no_source_and_a_number_of_its_own(api: Api) -> None:
    assert api.post(event("session_start")).status_code == 202
    assert api.post(event("session_start"), {"X-Consent-Level": "1"}).status_code == 202
    assert numbers(api, "audit") == [(None, None)] * 2
    assert [entry["producer_seq"] for entry in api.entries("audit")] == ["1", "2"]


@pytest.mark.parametrize("name", ["198.51.100.7", "maria.popescu", "550e8400-e29b-41d4-a716-446655440000", "x" * 64])
def test_a_producer_whose_name_could_be_somebodys_is_refused(shared_api: Api, name: str) -> None:
    answer = shared_api.post_to(AUDIT, action(1, producer=name), **SERVICE)
    assert (answer.status_code, name in answer.text) == (422, False)
    assert "producer" in answer.text


def test_what_the_trail_and_security_get_is_waited_for_on_the_disk(api: Api) -> None:
    """Redis counts the commands: the wait comes with a service's batches and with access records, and not else."""

    def waits() -> int:
        with redis.connect(api.settings.redis) as client:
            return int(client.info("commandstats").get("cmdstat_waitaof", {"calls": 0})["calls"])

    sent: tuple[tuple[str, Any, dict[str, Any], int], ...] = (
        (AUDIT, {"events": [action(1), action(2)]}, SERVICE, 1),
        (SECURITY, attack(1), SERVICE, 1),
        ("/v1/media/events", event("session_start"), {}, 1),
        ("/v1/media/events", event("heartbeat"), {}, 0),
    )
    for path, body, claims, more in sent:
        before = waits()
        assert api.post_to(path, body, **claims).status_code == 202
        assert waits() - before == more, path


def test_what_was_answered_with_202_outlives_the_death_of_redis(tmp_path: Path) -> None:
    with running_stores("test", base=tmp_path, remove=True) as stores:
        with postgres.connect(stores.settings.postgres.url.get_secret_value()) as connection:
            ensure_keys(connection, stores.settings.keys, NOW)
        load_exclusions(stores.settings)
        with serving(stores.settings) as api:
            assert api.post_to(AUDIT, {"events": [action(1), action(2)]}, **SERVICE).status_code == 202
            assert api.post_to(SECURITY, attack(1), **SERVICE).status_code == 202
            assert api.post(event("session_start")).status_code == 202
            before = {kind: api.entries(kind) for kind in ("audit", "security", "media")}
            _die(stores)
            assert {kind: api.entries(kind) for kind in before} == before
            assert numbers(api, "audit")[:2] == [("core-api-7d9f-x2", "1"), ("core-api-7d9f-x2", "2")]


def _die(stores: PlatformHandle) -> None:
    """SIGKILL to Redis, and a new start on what lies on the disk."""
    stores.kill("redis")
    assert wait_until(lambda: not stores.platform.supervisor.is_running("redis"), 10)
    assert stores.start("postgres", "redis") == ["redis"]
