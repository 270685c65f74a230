"""What the API tells security of its own doors: every refusal, of nobody but whom a verified token names."""

from __future__ import annotations

import json
import time
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import jwt
from pydantic import SecretStr

from telemetry_platform.api import access_routes
from telemetry_platform.contracts.sightings import DETAILS, sightings
from telemetry_platform.stores import redis
from telemetry_platform.usecases.token_watch import BUSY_REQUESTS
from telemetry_platform_tests.api.relay import relay
from telemetry_platform_tests.api.serving import MEDIA, NOW, Api, claims_of, event, serving
from telemetry_platform_tests.api.test_exclusions import wait_until
from telemetry_platform_tests.api.test_failures import changed, unused_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from telemetry_platform.settings import Settings

AUDIT = "/v1/audit/events"
FORGED = "not-the-secret-of-this-platform-0123456789"
NOW_MS = int(NOW.timestamp() * 1000)
PERSON = "ana.popescu.7391"


def behind_a_proxy(settings: Settings, **values: Any) -> Settings:  # noqa: ANN401 - values of settings
    return changed(settings, "api", trusted_proxies=(ip_network("127.0.0.0/8"),), **values)


def seen(api: Api, least: int = 1) -> list[dict[str, Any]]:
    """Entries of the security stream, once so many sightings are counted in them: beside the body, body, details."""

    def found() -> list[dict[str, Any]]:
        entries = []
        for entry in api.entries("security"):
            body = json.loads(entry["body"])
            entries.append({**entry, **body, "details": json.loads(body["details"])})
        return entries

    wait_until(lambda: sum(one["details"]["count"] for one in found()) >= least)
    return found()


def counted(entries: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """By type."""
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry["type"]] = counts.get(entry["type"], 0) + entry["details"]["count"]
    return counts


def forged(settings: Settings, **claims: Any) -> dict[str, str]:  # noqa: ANN401 - JSON values
    """A token that somebody else signed."""
    token = jwt.encode(claims_of(settings, **claims), FORGED, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


def expired(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token(exp=int(time.time()) - 3600)}"}


def test_each_refusal_is_told_by_its_sort(api: Api) -> None:
    assert api.post(event(), {"Authorization": ""}).status_code == 401
    assert api.post(event(), {"Authorization": "Bearer a.b.c"}).status_code == 401
    assert api.post(event(), expired(api)).status_code == 401
    assert api.post(event(), forged(api.settings)).status_code == 401
    assert api.post(event(), aud="another").status_code == 401
    assert api.post(event(), roles=["service"]).status_code == 403
    assert api.client.get("/v1/privacy/exclusions/status", headers=api.headers()).status_code == 403
    assert api.client.get("/v1/privacy/exclusions/status").status_code == 401
    found = seen(api, 8)
    assert counted(found) == {
        "auth.refused": 4,
        "token.expired": 1,
        "token.signature_invalid": 1,
        "access.refused": 2,
    }
    assert {(one["method"], one["path"], one["details"]["status"]) for one in found} == {
        ("POST", MEDIA, 401),
        ("POST", MEDIA, 403),
        ("GET", "/v1/privacy/exclusions/status", 401),
        ("GET", "/v1/privacy/exclusions/status", 403),
    }
    assert {one["type"] for one in found} <= {sighting.type for sighting in sightings()}
    assert all(set(one["details"]) <= DETAILS for one in found)
    assert {(one["occurred_at"], one["received_at"]) for one in found} == {(NOW_MS, str(NOW_MS))}


def test_what_is_accepted_rejected_or_not_there_is_no_sighting(api: Api) -> None:
    assert api.post(event()).status_code == 202
    assert api.post({}).status_code == 422
    assert api.post(b"{").status_code == 400
    assert api.client.get("/v1/nothing").status_code == 404
    assert api.post(event(), {"Authorization": ""}).status_code == 401
    assert counted(seen(api)) == {"auth.refused": 1}


def test_a_person_is_named_by_a_verified_token_only(api: Api) -> None:
    claims: dict[str, Any] = {"sub": PERSON, "org_id": "clinic-9"}
    assert api.post(event(), forged(api.settings, **claims)).status_code == 401
    assert api.post(event(), {"Authorization": f"Bearer {api.token(exp=1, **claims)}"}).status_code == 401
    assert api.post(event(), roles=["service"], **claims).status_code == 403
    found = seen(api, 3)
    nobodys = [one for one in found if one["type"] != "access.refused"]
    assert {(one["org_id"], one["actor_hash"], one["key_epoch"]) for one in nobodys} == {("platform", "", "0")}
    (of_somebody,) = (one for one in found if one["type"] == "access.refused")
    assert (of_somebody["org_id"], of_somebody["key_epoch"]) == ("clinic-9", "1")
    # The same pseudonym as that of their events.
    api.post(event(), **claims)
    assert {entry["actor_hash"] for entry in api.entries("media")} == {of_somebody["actor_hash"]}
    assert PERSON not in str(found)


def test_the_address_is_the_one_behind_the_proxies_and_rests_reduced(empty_platform: Settings) -> None:
    spoofed = "9.9.9.9, 198.51.100.7"
    with serving(behind_a_proxy(empty_platform)) as api:
        for line in (spoofed, "8.8.8.8, 198.51.100.7", "198.51.100.8"):
            api.post(event(), {"Authorization": "", "X-Forwarded-For": line, "User-Agent": "AnaPopescuBot/7 Firefox"})
        found = seen(api, 3)
    assert {one["ip_truncated"] for one in found} == {"198.51.100.0"}
    assert sorted(one["details"]["count"] for one in found) == [1, 2]
    hashes = {one["address_hash"] for one in found}
    assert len(hashes) == 2
    assert all(len(found) == 64 for found in hashes)
    assert {one["address_key_epoch"] for one in found} == {1}
    for raw in ("9.9.9.9", "8.8.8.8", "198.51.100.7", "198.51.100.8", "AnaPopescu"):
        assert raw not in str(found)
    with serving(changed(empty_platform, "api", trusted_proxies=())) as api:
        api.post(event(), {"Authorization": "", "X-Forwarded-For": spoofed})
        wait_until(lambda: len(api.entries("security")) == len(found) + 1)
        assert api.bodies("security")[-1]["ip_truncated"] == "127.0.0.0"


def test_a_flood_is_counted_to_the_last_one(empty_platform: Settings) -> None:
    with serving(behind_a_proxy(empty_platform)) as api:
        for number in range(300):
            # One network with many addresses, and many networks.
            line = f"198.51.100.{number % 250}" if number % 2 else f"203.0.{number % 250}.9"
            api.post(event(), {"Authorization": "", "X-Forwarded-For": line})
        found = seen(api, 300)
        assert counted(found) == {"auth.refused": 300}
        of_network = [one for one in found if one["ip_truncated"] == "198.51.100.0"]
        assert sum(one["details"]["count"] for one in of_network) == 150
        assert api.metric("telemetry_unrecorded_sightings_total") == 0


def test_what_redis_may_have_taken_is_sent_again_with_its_id(empty_platform: Settings) -> None:
    parts = urlsplit(empty_platform.redis.url.get_secret_value())
    assert parts.hostname is not None
    assert parts.port is not None
    with relay(parts.hostname, parts.port) as between:
        user = parts.netloc.rpartition("@")[0]
        url = SecretStr(urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{between.port}")))
        with serving(changed(empty_platform, "redis", url=url)) as api:
            between.mutes_at = b"auth.refused"
            assert api.post(event(), {"Authorization": ""}).status_code == 401
            wait_until(lambda: between.is_mute)
            # Whoever asks now waits as long as the entry does: its answer is given up before.
            assert not api.client.get("/health/ready").json()["checks"]["redis"]["ok"]
            between.mutes_at, between.is_mute = None, False
            with serving(empty_platform) as other:
                wait_until(lambda: len(other.entries("security")) == 2)
                first, again = other.entries("security")
    assert first["event_id"] == again["event_id"]
    assert first["producer"] != again["producer"]


def test_sightings_take_no_room_of_the_trail(empty_platform: Settings) -> None:
    full = changed(empty_platform, "redis", maxmemory_bytes=1024)
    with serving(full) as api:
        assert api.post(event(), {"Authorization": ""}).status_code == 401
        wait_until(lambda: api.metric("telemetry_unrecorded_sightings_total") == 1)
        assert api.entries("security") == []


def test_answers_do_not_wait_for_redis(empty_platform: Settings) -> None:
    for listening in (False, True):
        with unused_port(listening=listening) as port:
            gone = SecretStr(f"redis://127.0.0.1:{port}/0")
            with serving(changed(empty_platform, "redis", url=gone)) as api:
                answers = [api.post(event(), {"Authorization": ""}).status_code for _ in range(50)]
                assert answers == [401] * 50
                assert api.post(event(), roles=["service"]).status_code == 403


def test_what_was_noted_last_is_written_when_the_server_stops(empty_platform: Settings) -> None:
    with serving(empty_platform) as api:
        for _ in range(5):
            api.post(event(), {"Authorization": ""})
    assert counted(seen(api, 5)) == {"auth.refused": 5}


def test_reports_beyond_the_limits_are_told(empty_platform: Settings) -> None:
    limited = {"anonymous_burst": 2, "anonymous_per_minute": 1}
    with serving(changed(empty_platform, "api", **limited)) as api:
        report = {"source": "app", "error_code": "TypeError", "timestamp": "2026-02-17T10:00:00Z"}
        answers = [api.post_to("/v1/errors/report", report, {"Authorization": ""}).status_code for _ in range(4)]
        assert answers == [202, 202, 429, 429]
        assert counted(seen(api, 2)) == {"rate.limited": 2}


def test_a_token_that_is_used_elsewhere_is_told_with_both_networks(empty_platform: Settings) -> None:
    with serving(behind_a_proxy(empty_platform)) as first, serving(behind_a_proxy(empty_platform)) as second:
        token = {"Authorization": f"Bearer {first.token(sub=PERSON)}"}
        for address in ("198.51.100.7", "198.51.100.8", "198.51.100.7"):
            assert first.post(event(), {**token, "X-Forwarded-For": address}).status_code == 202
        wait_until(lambda: any(b"token:" in name for name in names(first.settings)))
        # Another process, another network.
        assert second.post(event(), {**token, "X-Forwarded-For": "203.0.113.7"}).status_code == 202
        found = seen(second, 2)
        assert counted(found) == {"token.elsewhere": 2}
        assert {one["ip_truncated"] for one in found} == {"198.51.100.0", "203.0.113.0"}
        assert len({one["details"]["token"] for one in found}) == 1
        assert {one["actor_hash"] for one in found} == {one["actor_hash"] for one in first.entries("media")}
        # Services come from many places.
        service = {"Authorization": f"Bearer {first.token(roles=['service'])}"}
        for address in ("198.51.100.7", "203.0.113.7"):
            first.post_to(AUDIT, {}, {**service, "X-Forwarded-For": address})
        other = {"Authorization": ""}
        assert second.post(event(), other).status_code == 401
        assert counted(seen(second, 3)) == {"token.elsewhere": 2, "auth.refused": 1}
        at_rest = str(first.entries("security")) + str(names(first.settings))
        parts = [part for part in token["Authorization"].removeprefix("Bearer ").split(".") if len(part) > 20]
        assert not [part for part in (*parts, PERSON, "198.51.100.7", "203.0.113.7") if part in at_rest]


def test_who_takes_records_out_is_told(api: Api) -> None:
    compliance = api.headers(roles=["compliance"], sub=PERSON)
    for rows in (False, True):
        body = {"user_id": "user-1", "rows": rows}
        assert api.client.post(access_routes.PATH, json=body, headers=compliance).status_code == 200
    (found,) = seen(api)
    assert (found["type"], found["path"], found["org_id"]) == ("data.exported", access_routes.PATH, "clinic-1")
    assert len(found["actor_hash"]) == 64
    assert PERSON not in str(found)


def test_who_asks_without_pause_is_told(api: Api) -> None:
    for _ in range(BUSY_REQUESTS):
        assert api.post(event(), sub=PERSON).status_code == 202
    (found,) = seen(api, BUSY_REQUESTS)
    assert (found["type"], found["details"]["count"]) == ("ingest.busy", BUSY_REQUESTS)
    assert found["actor_hash"] == api.entries("media")[0]["actor_hash"]


def names(settings: Settings) -> list[bytes]:
    with redis.connect(settings.redis) as client:
        return [name for name in client.scan_iter("*") if name.startswith(b"detection:")]
