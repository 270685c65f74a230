"""One question to MaxMind's service, and what every answer means; nothing that leaves here holds a credential."""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from telemetry_platform.contracts.exclusions import SyncStatus
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.stores.exclusions_feed import MEDIA_TYPE, ExclusionsFeed
from telemetry_platform_tests.embedded.tls_proxy import make_authority, tls_in_front_of
from telemetry_platform_tests.exclusion_service import ACCOUNT, KEY, entry, list_service, listening, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.settings import MaxMindSettings
    from telemetry_platform.stores.exclusions_feed import Answer
    from telemetry_platform_tests.exclusion_service import ListService

GOOD = b'{"exclusions": []}'


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ListService]:
    with list_service(tmp_path) as found:
        yield found


def ask(settings: MaxMindSettings, updates_after: datetime | None = None) -> Answer:
    """One request; the clock of its deadline stands still."""
    return ExclusionsFeed(settings, lambda: 0.0).fetch(updates_after)


@contextmanager
def answering(status: int, body: bytes = b"", **headers: str) -> Iterator[tuple[MaxMindSettings, list[Any]]]:
    """A server that answers everything like this, and the headers of what it was asked."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as port:
        yield settings_for(port), seen


def test_the_whole_list_comes_with_basic_auth_and_its_own_media_type(service: ListService) -> None:
    service.hold("10.0.26.166/32", "203.0.113.0/24")
    answer = ask(service.settings)
    assert (answer.status, answer.http_status) == (SyncStatus.SUCCEEDED, 200)
    assert [item["value"] for item in json.loads(answer.body)["exclusions"]] == ["10.0.26.166/32", "203.0.113.0/24"]
    assert service.asked == ["/privacy/exclusions"]


def test_a_delta_brings_what_was_published_after_its_moment_in_utc(service: ListService) -> None:
    service.hold_entries([entry("10.0.0.0/24", "2026-02-01T12:00:00Z"), entry("10.0.1.0/24", "2026-02-01T12:00:01.5Z")])
    noon = datetime(2026, 2, 1, 14, 0, 0, 900_000, tzinfo=timezone(timedelta(hours=2)))
    answer = ask(service.settings, noon)
    assert service.asked == ["/privacy/exclusions?updates_after=2026-02-01T12%3A00%3A00Z"]
    assert [item["value"] for item in json.loads(answer.body)["exclusions"]] == ["10.0.1.0/24"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"license_key": SecretStr("another-key")}, "AUTHORIZATION_INVALID"),
        ({"account_id": SecretStr("1")}, "AUTHORIZATION_INVALID"),
    ],
)
def test_a_refused_account_is_told_by_its_code_and_is_not_worth_another_try(
    service: ListService, changed: dict[str, Any], code: str
) -> None:
    answer = ask(service.settings.model_copy(update=changed))
    assert (answer.status, answer.http_status, answer.error_code) == (SyncStatus.AUTH_ERROR, 401, code)
    assert not answer.may_pass


@pytest.mark.parametrize(
    ("status", "body", "expected", "code", "may_pass"),
    [
        (403, b'{"code": "PERMISSION_REQUIRED", "error": "x"}', SyncStatus.AUTH_ERROR, "PERMISSION_REQUIRED", False),
        (401, b'{"code": "LICENSE_KEY_REQUIRED"}', SyncStatus.AUTH_ERROR, "LICENSE_KEY_REQUIRED", False),
        (401, b"", SyncStatus.AUTH_ERROR, None, False),
        (401, b"<html>proxy</html>", SyncStatus.AUTH_ERROR, None, False),
        (401, b'{"code": "SOMETHING_NEW"}', SyncStatus.AUTH_ERROR, None, False),
        (401, b'{"code": ["AUTHORIZATION_INVALID"]}', SyncStatus.AUTH_ERROR, None, False),
        (401, b"[" * 60_000, SyncStatus.AUTH_ERROR, None, False),
        (503, b"", SyncStatus.HTTP_ERROR, None, True),
        (500, b"boom", SyncStatus.HTTP_ERROR, None, True),
        (429, b"", SyncStatus.HTTP_ERROR, None, True),
        (404, b"", SyncStatus.HTTP_ERROR, None, False),
        (400, b'{"code": "TIMESTAMP_INVALID"}', SyncStatus.HTTP_ERROR, "TIMESTAMP_INVALID", False),
        (204, b"", SyncStatus.HTTP_ERROR, None, False),
        (302, b"", SyncStatus.HTTP_ERROR, None, False),
    ],
)
def test_every_refusal_is_told_with_or_without_a_body(
    status: int, body: bytes, expected: SyncStatus, code: str | None, *, may_pass: bool
) -> None:
    with answering(status, body) as (settings, _):
        answer = ask(settings)
    assert (answer.status, answer.error_code, answer.may_pass) == (expected, code, may_pass)
    assert (answer.http_status, answer.body) == (status, b"")


def test_a_refused_moment_is_told_as_such() -> None:
    with answering(400, b'{"code": "TIMESTAMP_INVALID", "error": "x"}') as (settings, _):
        answer = ask(settings, datetime(2026, 1, 1, tzinfo=UTC))
    assert (answer.status, answer.error_code) == (SyncStatus.TIMESTAMP_INVALID, "TIMESTAMP_INVALID")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (MEDIA_TYPE, SyncStatus.SUCCEEDED),
        (f"{MEDIA_TYPE.upper()}; charset=UTF-8; version=1.0", SyncStatus.SUCCEEDED),
        ("application/json", SyncStatus.BAD_RESPONSE),
        ("text/html", SyncStatus.BAD_RESPONSE),
        (f"{MEDIA_TYPE}x", SyncStatus.BAD_RESPONSE),
        ("", SyncStatus.BAD_RESPONSE),
    ],
)
def test_only_the_documented_media_type_is_the_list(kind: str, expected: SyncStatus) -> None:
    with answering(200, GOOD, Content_Type=kind) as (settings, _):
        assert ask(settings).status is expected


def test_a_body_over_the_limit_is_not_read_to_its_end_also_when_it_is_small_on_the_wire() -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    with answering(200, bomb, Content_Type=MEDIA_TYPE, Content_Encoding="gzip") as (settings, _):
        limited = settings.model_copy(update={"max_body_bytes": 1_000_000})
        answer = ask(limited)
        assert (answer.status, answer.body) == (SyncStatus.BAD_RESPONSE, b"")
        assert "MAX_BODY_BYTES" in answer.problem
        assert ask(settings).status is SyncStatus.SUCCEEDED


def test_a_body_that_is_no_gzip_or_is_cut_off_is_no_list() -> None:
    with answering(200, b"plain", Content_Type=MEDIA_TYPE, Content_Encoding="gzip") as (settings, _):
        assert ask(settings).status is SyncStatus.BAD_RESPONSE
    with answering(200, GOOD, Content_Type=MEDIA_TYPE, Content_Length="999") as (settings, _):
        cut = ask(settings)
        assert (cut.status, cut.may_pass, cut.body) == (SyncStatus.HTTP_ERROR, True, b"")


def test_a_list_that_comes_drop_by_drop_ends_at_its_deadline() -> None:
    ticks = iter(range(0, 10_000, 100))
    with answering(200, b" " * 1_000_000, Content_Type=MEDIA_TYPE) as (settings, _):
        answer = ExclusionsFeed(settings, lambda: float(next(ticks))).fetch()
    assert answer.status is SyncStatus.BAD_RESPONSE
    assert "took too long" in answer.problem


def test_silence_and_a_closed_door_may_pass() -> None:
    ended = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ended.wait(30)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Silent) as port:
        answer = ask(settings_for(port, timeout_seconds=0.1))
        ended.set()
    assert (answer.status, answer.may_pass, answer.http_status) == (SyncStatus.HTTP_ERROR, True, None)
    closed = ask(settings_for(port))
    assert (closed.status, closed.may_pass) == (SyncStatus.HTTP_ERROR, True)


def test_a_redirect_gets_no_credentials() -> None:
    with answering(200, GOOD, Content_Type=MEDIA_TYPE) as (elsewhere, seen):
        for status in (301, 302, 307, 308):
            with answering(status, Location=elsewhere.url) as (settings, asked):
                assert ask(settings).status is SyncStatus.HTTP_ERROR
                assert len(asked) == 1
    assert not seen


def test_no_proxy_of_the_environment_sees_the_key(service: ListService, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, GOOD, Content_Type=MEDIA_TYPE) as (proxy, seen):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url.partition("/privacy")[0])
        monkeypatch.setenv("NO_PROXY", "")
        assert ask(service.settings).status is SyncStatus.SUCCEEDED
    assert not seen


def test_retry_after_is_seconds_or_nothing() -> None:
    for header, seconds in (("7", 7.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None), ("٣", None)):
        raw = header.encode().decode("latin-1")
        with answering(503, Retry_After=raw) as (settings, _):
            assert ask(settings).retry_after == seconds


def test_over_https_the_authority_of_the_settings_is_demanded(service: ListService, tmp_path: Path) -> None:
    service.hold("10.0.0.0/24")
    authority = make_authority(tmp_path)
    with tls_in_front_of(int(service.settings.url.split(":")[2].partition("/")[0]), authority) as port:
        url = f"https://127.0.0.1:{port}/privacy/exclusions"
        known = service.settings.model_copy(update={"url": url, "ca_file": authority.ca_file})
        assert ask(known).status is SyncStatus.SUCCEEDED
        stranger = ask(service.settings.model_copy(update={"url": url}))
    assert stranger.status is SyncStatus.HTTP_ERROR
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://api.maxmind.com/privacy/exclusions",
        "http://10.0.0.1/privacy/exclusions",
        "http://localhost.example.com/privacy/exclusions",
        "ftp://127.0.0.1/privacy/exclusions",
        f"https://{ACCOUNT}:{KEY}@api.maxmind.com/privacy/exclusions",
        "http://[::1/privacy/exclusions",
        "",
    ],
)
def test_the_key_goes_nowhere_but_over_https_or_to_this_machine(url: str) -> None:
    with pytest.raises(ConfigurationError, match="TELEMETRY_MAXMIND__URL") as caught:
        ExclusionsFeed(settings_for(1, url=url), lambda: 0.0)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:1/x", "http://[::1]:1/x", "https://api.maxmind.com/x"])
def test_https_and_loopback_are_taken(url: str) -> None:
    assert ExclusionsFeed(settings_for(1, url=url), lambda: 0.0)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"account_id": None}, "ACCOUNT_ID"),
        ({"license_key": None}, "LICENSE_KEY"),
        ({"account_id": SecretStr(f"{KEY}")}, "ACCOUNT_ID"),
        ({"account_id": SecretStr("12:34")}, "ACCOUNT_ID"),
        ({"license_key": SecretStr(f"{KEY}\n{KEY}")}, "licence key"),
        ({"license_key": SecretStr("")}, "licence key"),
        ({"license_key": SecretStr("schlüssel")}, "licence key"),
    ],
)
def test_what_cannot_be_an_account_is_told_by_its_setting_and_not_repeated(changed: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        ExclusionsFeed(settings_for(1, **changed), lambda: 0.0)
    assert KEY not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_the_key_may_come_from_a_file(service: ListService, tmp_path: Path) -> None:
    file = tmp_path / "key"
    settings = service.settings.model_copy(update={"license_key": None, "license_key_file": file})
    with pytest.raises(ConfigurationError, match="LICENSE_KEY_FILE"):
        ask(settings)
    file.write_text(f"{KEY}\n", encoding="ascii")
    assert ask(settings).status is SyncStatus.SUCCEEDED
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="LICENSE_KEY_FILE") as caught:
        ask(settings)
    assert caught.value.__context__ is None


def test_nothing_that_is_printed_or_logged_holds_the_key(
    service: ListService, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    service.hold("203.0.113.0/24")
    feed = ExclusionsFeed(service.settings, lambda: 0.0)
    answer = feed.fetch()
    service.hold(answer=503)
    told = f"{feed!r} {answer!r} {feed.fetch()!r} {service.settings!r} {caplog.text} {capfd.readouterr()}"
    assert KEY not in told
    assert ACCOUNT not in told
    assert "203.0.113.0" not in told
