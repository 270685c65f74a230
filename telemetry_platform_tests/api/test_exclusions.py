"""A request from an excluded network leaves security and audit records only, in every process, soon after a sync."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from telemetry_platform.contracts.exclusions import SyncMode, SyncStatus
from telemetry_platform.stores import exclusions, postgres
from telemetry_platform_tests.api.serving import Api, event, serving
from telemetry_platform_tests.api.test_decisions import GPC, person, trail
from telemetry_platform_tests.api.test_erased_in_batches import no_copy
from telemetry_platform_tests.exclusion_lists import load_exclusions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from telemetry_platform.settings import Settings

SAMPLES = Path(__file__).parents[1] / "samples"
ENDPOINTS = {
    "media": "/v1/media/events",
    "analytics": "/v1/analytics/events",
    "errors": "/v1/errors/report",
    "pose": "/v1/pose/frames",
    "api_metrics": "/v1/api/metrics",
    "staff_metrics": "/v1/staff/metrics",
    "audit": "/v1/audit/events",
    "security": "/v1/security/events",
}
SERVICE = {"api_metrics", "staff_metrics", "audit", "security"}
ALWAYS = {"audit", "security"}
EXCLUDED = ("::ffff:1.2.3.4", "1.2.3.200", "2002:102:304::1", "2001:DB8:1:0:0:0:0:9")


def post(api: Api, kind: str, address: str, **changed: Any) -> httpx.Response:  # noqa: ANN401 - JSON values
    """Post a valid event of a kind from an address, by whoever may."""
    sample = json.loads(min((SAMPLES / kind / "accepted").glob("*.json")).read_text(encoding="utf-8"))
    if "event_id" in sample:
        sample["event_id"] = str(uuid4())
    roles = ["service"] if kind in SERVICE else ["patient"]
    headers = {"X-Forwarded-For": address, "X-Consent-Level": "3"}
    return api.post_to(ENDPOINTS[kind], {**sample, **changed}, headers, roles=roles, purposes=["pose"])


def with_exclusions(settings: Settings, **changed: Any) -> Settings:  # noqa: ANN401 - values of settings
    return settings.model_copy(update={"exclusions": settings.exclusions.model_copy(update=changed)})


def without_postgres(settings: Settings) -> Settings:
    """The same, with a PostgreSQL where nobody answers."""
    url = settings.postgres.url.get_secret_value()
    gone = SecretStr(url.rsplit(":", 1)[0] + ":9/telemetry")
    return settings.model_copy(update={"postgres": settings.postgres.model_copy(update={"url": gone})})


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def reasons(answer: httpx.Response) -> set[str]:
    """Why events were dropped; an answer to one event is one result."""
    body = answer.json()
    return {result.get("reason", result["status"]) for result in body.get("results", [body])}


def is_excluded(api: Api, address: str) -> bool:
    return reasons(post(api, "errors", address)) == {"excluded_network"}


@contextmanager
def excluding(settings: Settings, *networks: str) -> Iterator[Api]:
    load_exclusions(settings, *networks)
    with serving(settings) as api:
        yield api


@pytest.mark.parametrize("address", EXCLUDED)
def test_e56_an_excluded_address_leaves_security_and_audit_only_in_whatever_spelling(
    empty_platform: Settings, address: str
) -> None:
    with excluding(empty_platform, "1.2.3.0/24", "2001:db8:1::/48") as api:
        for kind in ENDPOINTS:
            answer = post(api, kind, address)
            assert answer.status_code == 202, (kind, answer.text)
            assert reasons(answer) == ({"accepted"} if kind in ALWAYS else {"excluded_network"}), kind
        kept = {kind: len(api.entries(kind)) for kind in ENDPOINTS}
        # The media event begins a view, whose access record is an audit entry of its own.
        assert {kind: count for kind, count in kept.items() if count} == {"audit": 2, "security": 1}
        assert {entry["consent_level"] for entry in api.entries("drops")} == {"0"}
        assert address not in str([*api.entries("drops"), *api.entries("audit")])


def test_beside_the_excluded_networks_nothing_is_dropped(empty_platform: Settings) -> None:
    with excluding(empty_platform, "1.2.3.0/24", "2001:db8:1::/48") as api:
        for address in ("1.2.4.4", "1.2.2.255", "::ffff:1.2.4.4", "2001:db8:2::9", "::1.2.3.4", "nonsense"):
            for kind in ("media", "errors"):
                assert reasons(post(api, kind, address)) == {"accepted"}, (kind, address)


def test_the_client_address_that_a_service_names_takes_nothing_from_the_trail(empty_platform: Settings) -> None:
    with excluding(empty_platform, "1.2.3.0/24") as api:
        for kind in sorted(ALWAYS):
            assert reasons(post(api, kind, "9.9.9.9", client_address="1.2.3.4")) == {"accepted"}
        assert [body["ip_truncated"] for body in api.bodies("security")] == ["1.2.3.0"]


def test_a_privacy_signal_from_an_excluded_address_counts_from_elsewhere_later(empty_platform: Settings) -> None:
    somebody, full = person(), {"X-Consent-Level": "3"}
    before = len(trail(empty_platform))
    with excluding(empty_platform, "1.2.3.0/24") as api:
        for signal in (GPC, GPC, {}):
            answer = api.post(event(), {**full, **signal, "X-Forwarded-For": "1.2.3.4"}, sub=somebody)
            assert reasons(answer) == {"excluded_network"}
        assert reasons(api.post(event(), {**full, "X-Forwarded-For": "9.9.9.9"}, sub=somebody)) == {"accepted"}
        assert api.entries("media")[-1]["consent_level"] == "2"
        # Without the signal nothing is remembered of such a request.
        other = person()
        assert reasons(api.post(event(), {**full, "X-Forwarded-For": "1.2.3.4"}, sub=other)) == {"excluded_network"}
        assert reasons(api.post(event(), {**full, "X-Forwarded-For": "9.9.9.9"}, sub=other)) == {"accepted"}
        assert api.entries("media")[-1]["consent_level"] == "3"
    assert [entry["source"] for entry in trail(empty_platform)[before:]] == ["sec_gpc"]


def test_an_excluded_address_needs_no_copy_of_decisions(empty_platform: Settings) -> None:
    with excluding(empty_platform, "1.2.3.0/24") as api, no_copy(empty_platform, "subject:*"):
        for signal in (GPC, {}):
            answer = api.post(event(), {"X-Consent-Level": "3", **signal, "X-Forwarded-For": "1.2.3.4"}, sub=person())
            assert (answer.status_code, reasons(answer)) == (202, {"excluded_network"})
        for kind in sorted(ENDPOINTS):
            assert reasons(post(api, kind, "1.2.3.4")) == ({"accepted"} if kind in ALWAYS else {"excluded_network"})
        assert api.post(event(), {"X-Forwarded-For": "9.9.9.9"}, sub=person()).status_code == 503


def test_a_new_list_counts_in_every_process_soon_after_its_sync(empty_platform: Settings) -> None:
    load_exclusions(empty_platform, "10.9.0.0/24")
    quick = with_exclusions(empty_platform, refresh_seconds=0.1)
    with serving(quick) as first, serving(quick) as second:
        for api in (first, second):
            assert reasons(post(api, "errors", "1.2.3.4")) == {"accepted"}
        load_exclusions(empty_platform, "1.2.3.0/24")
        for api in (first, second):
            wait_until(partial(is_excluded, api, "1.2.3.4"))
            assert reasons(post(api, "errors", "10.9.0.1")) == {"accepted"}


@pytest.fixture
def never_loaded(make_platform: Callable[[], Settings]) -> Settings:
    """A platform whose list was never fetched."""
    settings = make_platform()
    owner = settings.postgres.owner_url
    assert owner is not None
    with postgres.connect(owner.get_secret_value(), autocommit=True) as connection:
        connection.execute("TRUNCATE privacy.privacy_exclusions, privacy.privacy_exclusion_sync_log")
    return settings


def test_before_a_list_was_loaded_only_security_and_audit_are_taken(never_loaded: Settings) -> None:
    with serving(with_exclusions(never_loaded, refresh_seconds=0.1)) as api:
        ready = api.client.get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]["exclusions"]["ok"]) == (503, False)
        for kind in ENDPOINTS:
            answer = post(api, kind, "9.9.9.9")
            assert answer.status_code == (202 if kind in ALWAYS else 503), (kind, answer.text)
        assert api.entries("drops") == []
        load_exclusions(never_loaded)
        wait_until(lambda: api.client.get("/health/ready").status_code == 200)
        assert reasons(post(api, "media", "9.9.9.9")) == {"accepted"}


def test_a_restart_without_postgresql_excludes_by_the_copy(empty_platform: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    settings = with_exclusions(empty_platform, copy_file=copy)
    with excluding(settings, "1.2.3.0/24"):
        assert copy.stat().st_mode & 0o777 == 0o600
    with serving(without_postgres(settings)) as api:
        check = api.client.get("/health/ready").json()["checks"]["exclusions"]
        assert check["ok"]
        assert check["detail"].startswith("1 ")
        # Nothing can be hashed without the keys; the exclusion is not what stands in the way.
        assert "exclusion" not in post(api, "errors", "1.2.3.4").text


@pytest.mark.parametrize("damage", ["cut", "changed", "other", "empty"])
def test_a_copy_that_is_not_whole_is_ignored_and_said(
    empty_platform: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str], damage: str
) -> None:
    copy = tmp_path / "copy"
    settings = with_exclusions(empty_platform, copy_file=copy)
    with excluding(settings, "1.2.3.0/24", "1.2.9.0/24"):
        whole = copy.read_bytes()
    copy.write_bytes(
        {"cut": whole[:-5], "changed": whole.replace(b"1.2.9", b"1.2.8"), "other": b"\xff\n" * 9, "empty": b""}[damage]
    )
    with serving(without_postgres(settings)) as api:
        assert not api.client.get("/health/ready").json()["checks"]["exclusions"]["ok"]
    assert "copy of the exclusion list" in capfd.readouterr().err
    with serving(settings) as api:
        assert reasons(post(api, "errors", "1.2.3.4")) == {"excluded_network"}
    assert copy.read_bytes() == whole


def test_a_folder_that_cannot_be_written_costs_the_copy_only(empty_platform: Settings, tmp_path: Path) -> None:
    settings = with_exclusions(empty_platform, copy_file=tmp_path / "missing" / "copy")
    with excluding(settings, "1.2.3.0/24") as api:
        assert reasons(post(api, "errors", "1.2.3.4")) == {"excluded_network"}


STATUS = "/v1/privacy/exclusions/status"


def test_compliance_sees_the_state_of_the_list_and_its_newest_problems(empty_platform: Settings) -> None:
    with serving(empty_platform, None) as api:
        load_exclusions(empty_platform, "1.2.3.0/24", "1.2.5.0/24")
        with postgres.connect(empty_platform.postgres, autocommit=True) as connection:
            now = datetime.now(UTC)
            number = exclusions.begin(connection, SyncMode.DELTA, now, accept_shrink=False, updates_after=now)
            exclusions.finish(connection, number, SyncStatus.AUTH_ERROR, now, http_status=403, active=2)
        found = api.client.get(STATUS, headers=api.headers(roles=["compliance"]))
        assert found.status_code == 200
        body = found.json()
        assert (body["state"], body["active"]) == ("fresh", 2)
        assert 0 <= body["age_seconds"] < 600
        assert (body["last_full"]["added"] > 0, body["last_delta"]) == (True, None)
        assert [(one["mode"], one["status"], one["http_status"]) for one in body["problems"]][:1] == [
            ("delta", "auth_error", 403)
        ]
        assert "1.2.3.0" not in found.text
        for roles in (["patient"], ["staff"], ["service"], ["analyst"]):
            assert api.client.get(STATUS, headers=api.headers(roles=roles)).status_code == 403
        assert api.client.get(STATUS).status_code == 401


def test_the_state_of_the_list_follows_the_clock(make_platform: Callable[[], Settings]) -> None:
    settings = make_platform()
    load_exclusions(settings, "1.2.3.0/24")
    for days, state in ((0, "fresh"), (9, "late"), (15, "stale"), (-3, "stale")):
        with serving(settings, datetime.now(UTC) + timedelta(days=days)) as api:
            assert api.client.get(STATUS, headers=api.headers(roles=["compliance"])).json()["state"] == state


def test_a_list_of_100_000_networks_is_taken_while_requests_are_answered(make_platform: Callable[[], Settings]) -> None:
    settings = with_exclusions(make_platform(), refresh_seconds=0.1)
    many = [f"{10 + n // 65536}.{n // 256 % 256}.{n % 256}.0/24" for n in range(0, 200_000, 2)]
    with serving(settings) as api:
        loading = threading.Thread(target=load_exclusions, args=(settings, *many))
        loading.start()
        while loading.is_alive():
            assert post(api, "errors", "9.9.9.9").status_code == 202
        wait_until(partial(is_excluded, api, "10.0.2.77"))
        assert reasons(post(api, "errors", "10.0.3.77")) == {"accepted"}
