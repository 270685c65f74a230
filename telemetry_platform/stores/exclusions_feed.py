"""MaxMind's Privacy Exclusions API: one question, one answer, as it is documented.

Invariants: account id and licence key leave this module in the Authorization header only, to the address of the
settings and by https (or loopback): no redirect is followed, no proxy or netrc of the environment is asked, and nothing
that is raised, returned or printed here holds them; a body is read up to a limit and within a deadline; an answer is
the list only when its media type says so.
"""

from __future__ import annotations

import json
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from telemetry_platform.contracts.exclusions import ERROR_CODES, SyncStatus
from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from telemetry_platform.settings import MaxMindSettings

MEDIA_TYPE = "application/vnd.maxmind.com-privacy-exclusions+json"
_LARGEST_ERROR = 64 * 1024
_REFUSED = frozenset({401, 403})
_MAY_PASS = frozenset({408, 425, 429})
_BAD_REQUEST, _SERVER_ERRORS = 400, 500
_ACCOUNT = re.compile(r"[0-9]{1,20}")
_KEY = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True)
class Answer:
    """What one request led to: the list's body with status `succeeded`, or why there is none.

    `problem` is a sentence of ours. `may_pass`: asking again may help. `retry_after`: seconds the server asked for.
    """

    status: SyncStatus
    problem: str = ""
    may_pass: bool = False
    http_status: int | None = None
    error_code: str | None = None
    retry_after: float | None = None
    body: bytes = field(default=b"", repr=False)


class ExclusionsFeed:
    """The service at the address of the settings. `clock` gives seconds that never go back."""

    def __init__(self, settings: MaxMindSettings, clock: Callable[[], float]) -> None:
        """Raises ConfigurationError when account, key or address are missing or cannot be right."""
        _check_address(settings.url)
        self._settings = settings
        self._clock = clock
        self._auth = httpx.BasicAuth(*_credentials(settings))
        self._verify = _trust(settings)

    def fetch(self, updates_after: datetime | None = None) -> Answer:
        """Ask once: for all of it, or for what was published after a moment."""
        parameters = {}
        if updates_after is not None:
            parameters["updates_after"] = f"{updates_after.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        try:
            with (
                httpx.Client(
                    auth=self._auth,
                    verify=self._verify,
                    timeout=self._settings.timeout_seconds,
                    follow_redirects=False,
                    trust_env=False,
                ) as client,
                client.stream("GET", self._settings.url, params=parameters) as response,
            ):
                return self._read(response, is_delta=updates_after is not None)
        except (httpx.TimeoutException, httpx.NetworkError, httpx.ProtocolError) as error:
            problem = f"no whole answer ({type(error).__name__}): check the network and TELEMETRY_MAXMIND__URL"
            return Answer(SyncStatus.HTTP_ERROR, problem, may_pass=True)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            return Answer(SyncStatus.BAD_RESPONSE, f"an answer that cannot be read ({type(error).__name__})")

    def _read(self, response: httpx.Response, *, is_delta: bool) -> Answer:
        if response.status_code != httpx.codes.OK:
            code = _error_code(self._body(response, _LARGEST_ERROR))
            return _refusal(response.status_code, code, response.headers, is_delta=is_delta)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != MEDIA_TYPE:
            return self._bad("the answer's media type is not that of the exclusion list")
        body = self._body(response, self._settings.max_body_bytes)
        if body is None:
            return self._bad("the list is larger than TELEMETRY_MAXMIND__MAX_BODY_BYTES, or took too long to come")
        return Answer(SyncStatus.SUCCEEDED, http_status=response.status_code, body=body)

    def _bad(self, problem: str) -> Answer:
        return Answer(SyncStatus.BAD_RESPONSE, problem, http_status=httpx.codes.OK)

    def _body(self, response: httpx.Response, limit: int) -> bytes | None:
        """The body after decompression; None where it is larger than the limit or comes drop by drop."""
        deadline = self._clock() + self._settings.total_seconds
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > limit or self._clock() > deadline:
                return None
        return b"".join(parts)


def _refusal(status: int, code: str | None, headers: httpx.Headers, *, is_delta: bool) -> Answer:
    """What an answer other than 200 means. A delta's 400 is about its moment, also without a body that says so."""
    if status in _REFUSED:
        problem = (
            "account id or licence key were refused, or the account lacks the permission: compare "
            "TELEMETRY_MAXMIND__ACCOUNT_ID and the licence key with MaxMind's account portal"
        )
        return Answer(SyncStatus.AUTH_ERROR, problem, http_status=status, error_code=code)
    if status == _BAD_REQUEST and is_delta:
        problem = "the moment of `updates_after` was refused"
        return Answer(SyncStatus.TIMESTAMP_INVALID, problem, http_status=status, error_code=code)
    may_pass = status >= _SERVER_ERRORS or status in _MAY_PASS
    seconds = headers.get("retry-after", "")
    return Answer(
        SyncStatus.HTTP_ERROR,
        f"the service answered {status}",
        may_pass=may_pass,
        http_status=status,
        error_code=code,
        retry_after=float(seconds) if seconds.isascii() and seconds.isdecimal() else None,
    )


def _error_code(body: bytes | None) -> str | None:
    """The documented code of an error's body; most errors of gateways have no body, or somebody else's."""
    try:
        found = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    code = found.get("code") if isinstance(found, dict) else None
    return code if isinstance(code, str) and code in ERROR_CODES else None


def _credentials(settings: MaxMindSettings) -> tuple[str, str]:
    if settings.account_id is None or (settings.license_key is None and settings.license_key_file is None):
        raise ConfigurationError(
            "the exclusion list needs an account: set TELEMETRY_MAXMIND__ACCOUNT_ID and "
            "TELEMETRY_MAXMIND__LICENSE_KEY_FILE (or TELEMETRY_MAXMIND__LICENSE_KEY)"
        )
    account = settings.account_id.get_secret_value().strip()
    if not _ACCOUNT.fullmatch(account):
        raise ConfigurationError("TELEMETRY_MAXMIND__ACCOUNT_ID is a number, as MaxMind's account portal shows it")
    key = _key(settings)
    if not _KEY.fullmatch(key):
        raise ConfigurationError("the licence key of MaxMind is one line of printable ASCII without blanks")
    return account, key


def _key(settings: MaxMindSettings) -> str:
    if settings.license_key_file is None:
        return settings.license_key.get_secret_value().strip() if settings.license_key else ""
    text = None
    with suppress(OSError, UnicodeDecodeError):
        text = settings.license_key_file.read_text(encoding="ascii").strip()
    if text is None:  # outside of the block: the error's own text may quote the file
        raise ConfigurationError("the file of TELEMETRY_MAXMIND__LICENSE_KEY_FILE cannot be read as one line of ASCII")
    return text


def _check_address(url: str) -> None:
    """Credentials go over https, or stay on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ConfigurationError("TELEMETRY_MAXMIND__URL is no URL") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError("TELEMETRY_MAXMIND__URL must hold no user and no password: they have settings")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ConfigurationError("TELEMETRY_MAXMIND__URL must begin with https://: it takes the licence key")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _trust(settings: MaxMindSettings) -> ssl.SSLContext | bool:
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(settings.ca_file))
    except (OSError, ssl.SSLError):
        raise ConfigurationError("the file of TELEMETRY_MAXMIND__CA_FILE holds no certificate") from None
