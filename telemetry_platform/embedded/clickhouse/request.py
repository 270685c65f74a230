"""One request as the protocol means it: who asks, the query, parameters, settings, session, formats and encodings.

Invariant: a URL parameter that is no word of the protocol is a setting of the engine, as on the real server: unknown
ones fail there, with the engine's own error. Credentials are compared in constant time and kept nowhere.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from telemetry_platform.embedded.clickhouse.failures import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    NOT_IMPLEMENTED,
    REQUIRED_PASSWORD,
    UNKNOWN_FORMAT,
    failure,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS: Final = frozenset(
    {
        *("query", "database", "user", "password", "query_id", "session_id", "session_timeout", "session_check"),
        *("default_format", "compress", "decompress", "wait_end_of_query", "buffer_size", "quota_key", "stacktrace"),
        *("client_protocol_version", "close_session", "role"),
    }
)
_TRUE: Final = frozenset({"1", "true"})
_QUERY_ID: Final = re.compile(r"[\x20-\x7e]{1,256}")
_FORMAT: Final = re.compile(r"[A-Za-z0-9]{1,64}")
_DEFAULT_SESSION_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Account:
    """The one user that may come in."""

    user: str
    password: str


@dataclass(frozen=True)
class Request:
    """What one request asks for, before anything of its body is read."""

    method: str
    query: str
    query_id: str
    database: str
    default_format: str | None
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    session_id: str | None
    session_seconds: float
    session_must_exist: bool
    wait_end: bool
    native_decompress: bool
    content_encoding: str
    content_type: str
    accept_encoding: str | None
    extra: Mapping[str, str] = field(default_factory=dict)


def parse(method: str, query_string: bytes, headers: Mapping[str, str]) -> Request:
    """Read the URL and the headers."""
    url = dict(parse_qsl(query_string.decode("ascii", "replace"), keep_blank_values=True))
    multipart = headers.get("content-type", "").lower().startswith("multipart/form-data")
    if url.get("compress", "0") in _TRUE:
        raise failure(NOT_IMPLEMENTED, "compress=1 is not served here; use enable_http_compression=1 instead.")
    query_id = url.get("query_id") or str(uuid.uuid4())
    if _QUERY_ID.fullmatch(query_id) is None:
        raise failure(BAD_ARGUMENTS, "A query_id has 1 to 256 printable ASCII characters.")
    default_format = url.get("default_format") or headers.get("x-clickhouse-format")
    if default_format is not None and _FORMAT.fullmatch(default_format) is None:
        raise failure(UNKNOWN_FORMAT, "A format's name has letters and digits only.")  # it becomes a header
    extra = {name: value for name, value in url.items() if multipart and _is_external(name)}
    settings = {
        name: value
        for name, value in url.items()
        if name not in _WORDS and not name.startswith("param_") and name not in extra
    }
    return Request(
        method=method,
        query=url.get("query", ""),
        query_id=query_id,
        database=url.get("database") or headers.get("x-clickhouse-database", ""),
        default_format=default_format,
        settings=settings,
        parameters={name[6:]: value for name, value in url.items() if name.startswith("param_")},
        session_id=url.get("session_id"),
        session_seconds=_seconds(url.get("session_timeout")),
        session_must_exist=url.get("session_check", "0") in _TRUE,
        wait_end=url.get("wait_end_of_query", "0") in _TRUE,
        native_decompress=url.get("decompress", "0") in _TRUE,
        content_encoding=headers.get("content-encoding", "").strip().lower(),
        content_type=headers.get("content-type", ""),
        accept_encoding=headers.get("accept-encoding") if url.get("enable_http_compression") in _TRUE else None,
        extra=extra,
    )


def _is_external(name: str) -> bool:
    """Whether a URL parameter describes an external table of a multipart body."""
    return name not in _WORDS and name.endswith(("_format", "_structure", "_types"))


def _seconds(text: str | None) -> float:
    """Session timeout in seconds."""
    try:
        return float(int(text)) if text else _DEFAULT_SESSION_SECONDS
    except ValueError:
        raise failure(BAD_ARGUMENTS, "session_timeout is a number of seconds.") from None


def authenticate(query_string: bytes, headers: Mapping[str, str], account: Account) -> None:
    """Refuse everybody but the account, whichever of the protocol's three ways the credentials come."""
    url = dict(parse_qsl(query_string.decode("ascii", "replace"), keep_blank_values=True))
    if "authorization" in headers:
        user, password = _basic(headers["authorization"])
    elif "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        user, password = headers.get("x-clickhouse-user", "default"), headers.get("x-clickhouse-key", "")
    elif "user" in url or "password" in url:
        user, password = url.get("user", "default"), url.get("password", "")
    else:
        raise failure(REQUIRED_PASSWORD, "Sign in with user and password.")
    # Both are compared whatever the first says: the time must not tell whether the user exists.
    user_is_right = hmac.compare_digest(user.encode(), account.user.encode())
    password_is_right = hmac.compare_digest(password.encode(), account.password.encode())
    if not (user_is_right and password_is_right):
        raise failure(AUTHENTICATION_FAILED, "Authentication failed: password is incorrect, or there is no such user.")


def _basic(header: str) -> tuple[str, str]:
    """User and password of a Basic authorization header."""
    scheme, _, credentials = header.partition(" ")
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    if scheme.lower() != "basic" or ":" not in decoded:
        raise failure(AUTHENTICATION_FAILED, "Only Basic authorization is known here.")
    user, _, password = decoded.partition(":")
    return user, password
