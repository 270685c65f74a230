"""The local stand-in of MaxMind's service answers as the documentation says."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from telemetry_platform.embedded.maxmind import ERROR_TYPE, MEDIA_TYPE, Service, edit_list
from telemetry_platform_tests.exclusion_service import ACCOUNT, KEY, ListService, entry, list_service

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/privacy/exclusions"


def basic(text: str, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(text.encode()).decode()}"


def code(service: Service, target: str, authorization: str | None) -> tuple[int, str | None]:
    """Status and documented code of an answer."""
    reply = service.answer(target, authorization)
    return reply.status, json.loads(reply.body).get("code") if reply.body else None


@pytest.fixture
def service(tmp_path: Path) -> Service:
    file = tmp_path / "list.json"
    listed = [entry("10.0.26.166/32", "2020-01-08T18:58:38Z"), entry("10.0.1.0/24", "2026-01-01T00:00:00Z")]
    file.write_text(json.dumps({"exclusions": listed}), encoding="utf-8")
    return Service(file, ACCOUNT, KEY)


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (None, "ACCOUNT_ID_REQUIRED"),
        ("", "ACCOUNT_ID_REQUIRED"),
        (basic(f":{KEY}"), "ACCOUNT_ID_REQUIRED"),
        (basic(f"{ACCOUNT}:{KEY}", "Bearer"), "ACCOUNT_ID_REQUIRED"),
        (basic(f"{ACCOUNT}:"), "LICENSE_KEY_REQUIRED"),
        (basic(ACCOUNT), "LICENSE_KEY_REQUIRED"),
        (basic(f"{ACCOUNT}:other"), "AUTHORIZATION_INVALID"),
        (basic(f"1:{KEY}"), "AUTHORIZATION_INVALID"),
        ("Basic !!!", "AUTHORIZATION_INVALID"),
        ("Basic /w==", "AUTHORIZATION_INVALID"),
    ],
)
def test_whoever_is_not_known_is_told_what_is_missing(
    service: Service, authorization: str | None, expected: str
) -> None:
    assert code(service, PATH, authorization) == (401, expected)


@pytest.mark.parametrize(
    ("moment", "values"),
    [
        ("2019-01-01T00:00:00Z", ["10.0.26.166/32", "10.0.1.0/24"]),
        ("2020-01-08T18:58:38Z", ["10.0.1.0/24"]),
        ("2026-01-01T01:00:00%2B02:00", ["10.0.1.0/24"]),
        ("2026-01-01T00:00:00Z", []),
    ],
)
def test_updates_after_leaves_what_was_published_later(service: Service, moment: str, values: list[str]) -> None:
    reply = service.answer(f"{PATH}?updates_after={moment}", basic(f"{ACCOUNT}:{KEY}"))
    assert (reply.status, reply.media_type) == (200, MEDIA_TYPE)
    assert [one["value"] for one in json.loads(reply.body)["exclusions"]] == values


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-01-01", "1767225600", "2026-01-01T00:00:00"])
def test_a_moment_that_is_none_is_refused(service: Service, moment: str) -> None:
    assert code(service, f"{PATH}?updates_after={moment}", basic(f"{ACCOUNT}:{KEY}")) == (400, "TIMESTAMP_INVALID")


@pytest.mark.parametrize(
    ("status", "expected"), [(401, "AUTHORIZATION_INVALID"), (403, "PERMISSION_REQUIRED"), (503, None), (500, None)]
)
def test_the_file_may_ask_for_a_refusal(service: Service, status: int, expected: str | None) -> None:
    service.file.write_text(json.dumps({"exclusions": [], "answer": status}), encoding="utf-8")
    assert code(service, PATH, basic(f"{ACCOUNT}:{KEY}")) == (status, expected)


def test_other_paths_are_not_there_and_a_file_that_is_being_written_is_no_list(service: Service) -> None:
    assert code(service, "/privacy", basic(f"{ACCOUNT}:{KEY}")) == (404, None)
    service.file.write_text('{"exclusions": [', encoding="utf-8")
    assert code(service, PATH, basic(f"{ACCOUNT}:{KEY}")) == (503, None)


def test_networks_are_added_and_withdrawn_by_editing_the_file(service: Service) -> None:
    now = datetime(2026, 2, 17, 10, tzinfo=UTC)
    edit_list(service.file, now, add=["198.51.100.0/24"], withdraw=["10.0.1.0/24"])
    reply = service.answer(f"{PATH}?updates_after=2026-02-17T09:59:59Z", basic(f"{ACCOUNT}:{KEY}"))
    assert json.loads(reply.body)["exclusions"] == [entry("198.51.100.0/24", "2026-02-17T10:00:00Z")]
    assert service.file.stat().st_mode & 0o777 == 0o600
    whole = json.loads(service.answer(PATH, basic(f"{ACCOUNT}:{KEY}")).body)["exclusions"]
    assert [one["value"] for one in whole] == ["10.0.26.166/32", "198.51.100.0/24"]


def test_over_http_it_is_the_documented_media_types_and_nothing_is_logged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with list_service(tmp_path) as running:
        _over_http(running)
    assert capfd.readouterr() == ("", "")


def _over_http(running: ListService) -> None:
    running.hold("10.0.0.0/24")
    known = httpx.get(running.settings.url, auth=(ACCOUNT, KEY), trust_env=False)
    assert known.headers["content-type"].partition(";")[0] == MEDIA_TYPE
    assert known.json() == {"exclusions": [entry("10.0.0.0/24")]}
    stranger = httpx.get(running.settings.url, trust_env=False)
    assert stranger.headers["content-type"].partition(";")[0] == ERROR_TYPE
    assert stranger.headers["www-authenticate"].startswith("Basic")
    assert set(stranger.json()) == {"code", "error"}
    assert httpx.post(running.settings.url, auth=(ACCOUNT, KEY), trust_env=False).status_code == 501
