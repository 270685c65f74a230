"""Attacks as they come in at the door, through queue and drain, to what rests: and nothing raw on the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
import pytest

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.simulate.geo_database import write_geo_database
from telemetry_platform.simulate.places import PLACES
from telemetry_platform.stores import dump_redis, postgres, redis
from telemetry_platform_tests.api.serving import Api, at, claims_of, event, serving
from telemetry_platform_tests.api.test_exclusions import reasons, wait_until
from telemetry_platform_tests.exclusion_lists import load_exclusions
from telemetry_platform_tests.usecases.detected import detections, of_rule
from telemetry_platform_tests.usecases.dumps import pg_dump
from telemetry_platform_tests.usecases.landing import drain_all, looking, quick

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

PEER = "203.0.113.9"
PERSON = "ana.popescu.7391"
FORGED = "not-the-secret-of-this-platform-0123456789"
SERVICE: dict[str, Any] = {"roles": ["service"], "sub": "core-api"}


@pytest.fixture
def behind_a_proxy(platform: Settings) -> Settings:
    proxied = platform.api.model_copy(update={"trusted_proxies": (ip_network("127.0.0.0/8"),)})
    return quick(platform.model_copy(update={"api": proxied}))


def sightings(settings: Settings) -> int:
    """How many the entries in the queue stand for."""
    with redis.connect(settings.redis) as client:
        entries: Any = client.xrange(stream_name("security", 0))
    details = [json.loads(json.loads(fields[b"body"])["details"] or "{}") for _, fields in entries]
    return sum(found.get("count", 1) for found in details)


def counts(settings: Settings) -> dict[str, int]:
    """Rows by table."""
    with looking(settings) as (warehouse, _):
        tables = ("media_events", "media_sessions", "media_buffering_events", "analytics_events", "error_events")
        query = "SELECT count() FROM {name:Identifier}"
        found = {name: int(warehouse.client.scalar(query, {"name": name})) for name in tables}
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as conn:
        ((found["audit.audit_logs"], found["security.security_events"]),) = conn.execute(
            "SELECT (SELECT count(*) FROM audit.audit_logs), (SELECT count(*) FROM security.security_events)"
        ).fetchall()
    return found


def sign_in_failed(address: str, moment: datetime, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    return {
        "event_id": str(uuid4()),
        "timestamp": at(0, moment),
        "type": "auth.failed",
        "severity": "low",
        "client_address": address,
        **more,
    }


def test_e88_an_excluded_network_is_watched_while_nothing_else_of_it_is_kept(behind_a_proxy: Settings) -> None:
    settings = behind_a_proxy
    load_exclusions(settings, "203.0.113.0/24")
    with serving(settings, None) as api:
        for number in range(30):
            headers = {"X-Forwarded-For": PEER, "Authorization": "Bearer not.a.token"}
            assert api.post(event(timestamp=at(0, datetime.now(UTC))), headers).status_code == 401
            if number % 3 == 0:
                view = event("session_start", timestamp=at(0, datetime.now(UTC)))
                answer = api.post(view, {"X-Forwarded-For": PEER})
                assert reasons(answer) == {"excluded_network"}
        wait_until(lambda: sightings(settings) == 30)
        failed = [sign_in_failed(PEER, datetime.now(UTC)) for _ in range(30)]
        assert api.post_to("/v1/security/events", {"events": failed}, **SERVICE).status_code == 202
    drain_all(settings)
    found = counts(settings)
    assert {name: rows for name, rows in found.items() if rows} == {
        # The access records of ten views: the trail takes no notice of the list.
        "audit.audit_logs": 10,
        "security.security_events": found["security.security_events"],
    }
    assert found["security.security_events"] > 30
    ours = [one for one in detections(settings) if one.rule == "failed_auth_by_network"]
    # Refusals of one moment are one entry: it may climb two steps at once.
    assert {(one.org_id, one.severity) for one in ours if one.severity != "low"} == {
        ("platform", "medium"),
        ("clinic-1", "medium"),
    }
    assert {one.ip_truncated for one in ours} == {"203.0.113.0"}


def test_spoofed_headers_hide_no_attacker_and_accuse_nobody(behind_a_proxy: Settings) -> None:
    settings = behind_a_proxy
    with serving(settings, None) as api:
        for number in range(12):
            headers = {"X-Forwarded-For": f"9.9.{number}.9, {PEER}", "Authorization": ""}
            headers |= {"X-Real-IP": f"8.8.{number}.8", "Forwarded": f"for=7.7.{number}.7"}
            assert api.post(event(), headers).status_code == 401
        wait_until(lambda: sightings(settings) == 12)
    drain_all(settings)
    (found,) = [one for one in detections(settings) if one.rule == "failed_auth_by_network"]
    assert (found.ip_truncated, found.severity) == ("203.0.113.0", "low")


def test_what_a_refused_token_claims_counts_for_no_account(behind_a_proxy: Settings) -> None:
    settings = behind_a_proxy
    with serving(settings, None) as api:
        for number in range(12):
            token = jwt.encode(claims_of(settings, sub=PERSON, jti=str(number)), FORGED, algorithm="HS256")
            headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": PEER}
            assert api.post(event(), headers).status_code == 401
        wait_until(lambda: sightings(settings) == 12)
    drain_all(settings)
    assert {one.rule for one in detections(settings)} == {"failed_auth_by_network", "signature_errors_by_network"}
    assert {(one.org_id, one.actor_hash) for one in detections(settings)} == {("platform", "")}


def test_an_account_is_guessed_by_what_services_post(behind_a_proxy: Settings) -> None:
    settings, now = behind_a_proxy, datetime.now(UTC)
    with serving(settings, None) as api:
        failed = [sign_in_failed(f"198.51.{number}.7", now, actor_id=PERSON) for number in range(6)]
        assert api.post_to("/v1/security/events", {"events": failed}, **SERVICE).status_code == 202
        # The service did not see its answer.
        assert api.post_to("/v1/security/events", {"events": failed}, **SERVICE).status_code == 202
        (actor,) = {entry["actor_hash"] for entry in api.entries("security")}
    drain_all(settings)
    assert of_rule(settings, "failed_auth_by_account") == [("low", 6)]
    assert of_rule(settings, "account_from_many_networks") == [("medium", 6)]
    assert {one.actor_hash for one in detections(settings)} == {actor}


def test_one_token_in_two_countries(behind_a_proxy: Settings, tmp_path: Path) -> None:
    geo = behind_a_proxy.geo.model_copy(update={"database": write_geo_database(tmp_path / "geo.mmdb")})
    settings = behind_a_proxy.model_copy(update={"geo": geo})
    of_country = {place.country: str(place.network4.network_address + 9) for place in PLACES}
    (one, first), (other, second) = list(of_country.items())[:2]
    with serving(settings, None) as api:
        token = {"Authorization": f"Bearer {api.token(sub=PERSON)}"}
        for address in (first, second):
            view = event(timestamp=at(0, datetime.now(UTC)))
            assert api.post(view, {**token, "X-Forwarded-For": address}).status_code == 202
        wait_until(lambda: sightings(settings) == 2)
    drain_all(settings)
    assert of_rule(settings, "token_in_two_countries") == [("medium", 2)]
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as conn:
        ((countries,),) = conn.execute(
            "SELECT details->'countries' FROM security.security_events WHERE rule_id = 'token_in_two_countries'"
        ).fetchall()
    assert countries == sorted([one, other])


def test_no_raw_address_id_or_token_rests_anywhere(engines: PlatformHandle, behind_a_proxy: Settings) -> None:
    settings = behind_a_proxy
    with serving(settings, None) as api:
        good, bad = api.token(sub=PERSON), jwt.encode(claims_of(settings, sub=PERSON), FORGED, algorithm="HS256")
        for token, number in ((good, 403), (bad, 401)):
            headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": PEER, "User-Agent": f"{PERSON}/1"}
            for _ in range(25):
                assert _refused(api, headers) == number
        view = event(timestamp=at(0, datetime.now(UTC)))
        assert api.post(view, {"X-Forwarded-For": "198.51.100.7", "Authorization": f"Bearer {good}"}).is_success
        wait_until(lambda: sightings(settings) >= 52)
        rest = _redis_at_rest(settings)
        drain_all(settings)
        rest += _redis_at_rest(settings) + pg_dump(engines, settings).decode()
    assert len(detections(settings)) >= 4
    assert "refusals_by_account" in rest
    parts = [part for token in (good, bad) for part in token.split(".") if part != good.split(".", maxsplit=1)[0]]
    assert not [raw for raw in (PEER, "198.51.100.7", PERSON, *parts) if raw in rest]


def _refused(api: Api, headers: dict[str, str]) -> int:
    return api.client.get("/v1/privacy/exclusions/status", headers=headers).status_code


def _redis_at_rest(settings: Settings) -> str:
    with redis.connect(settings.redis) as client:
        return "\n".join(line.decode("utf-8", "replace") for part in dump_redis.tables(client) for line in part.blocks)
