"""Errors as a ClickHouse client knows them: a code, a text that begins with it, and the HTTP status that goes with it.

Invariant: the text of a failure is the engine's own or ours, never a header, a password or a request body.
"""

from __future__ import annotations

import re
from typing import Final

ACCESS_DENIED: Final = 497
AUTHENTICATION_FAILED: Final = 516
BAD_ARGUMENTS: Final = 36
CANNOT_DECOMPRESS: Final = 354
NOT_IMPLEMENTED: Final = 48
QUERY_WAS_CANCELLED: Final = 394
READONLY: Final = 164
REQUIRED_PASSWORD: Final = 194
SERVER_IS_STOPPING: Final = 745
SESSION_IS_LOCKED: Final = 373
SESSION_NOT_FOUND: Final = 372
SYNTAX_ERROR: Final = 62
TOO_LARGE: Final = 307
TOO_MANY_QUERIES: Final = 202
UNKNOWN: Final = 1002
UNKNOWN_FORMAT: Final = 73

NAMES: Final = {
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    QUERY_WAS_CANCELLED: "QUERY_WAS_CANCELLED",
    READONLY: "READONLY",
    REQUIRED_PASSWORD: "REQUIRED_PASSWORD",
    SERVER_IS_STOPPING: "ABORTED",
    SESSION_IS_LOCKED: "SESSION_IS_LOCKED",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    TOO_LARGE: "TOO_MANY_BYTES",
    TOO_MANY_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    UNKNOWN: "UNKNOWN_EXCEPTION",
    UNKNOWN_FORMAT: "UNKNOWN_FORMAT",
}

# The table of the real server's HTTP handler: clients tell a wrong query from a broken server by the status class.
_STATUS: Final = {
    **dict.fromkeys((REQUIRED_PASSWORD,), 401),
    **dict.fromkeys((192, 193, ACCESS_DENIED, AUTHENTICATION_FAILED, READONLY), 403),
    **dict.fromkeys((6, 26, 27, 38, 41, 42, 43, 53, 62, 63, 72, 117, BAD_ARGUMENTS, CANNOT_DECOMPRESS), 400),
    **dict.fromkeys((44, 70, 427, 456, 457, 69, 68, 35, 34, SESSION_IS_LOCKED), 400),
    **dict.fromkeys((16, 46, 47, 50, 56, 60, 73, 81, 115, SESSION_NOT_FOUND), 404),
    **dict.fromkeys((159,), 408),
    **dict.fromkeys((TOO_LARGE,), 413),
    **dict.fromkeys((NOT_IMPLEMENTED,), 501),
    **dict.fromkeys((TOO_MANY_QUERIES, SERVER_IS_STOPPING), 503),
}
_CODE = re.compile(r"Code: (\d+)\. ")
_NESTED = re.compile(r"^(?:Code: \d+\. DB::Exception: )+(?=Code: \d+\. DB::Exception: )")


class QueryFailure(Exception):  # noqa: N818 - it is an answer of the protocol rather than a fault of this program
    """A query that ends with a ClickHouse error code instead of a result."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        """HTTP status of the answer; 500 for codes that say nothing about the request."""
        return _STATUS.get(self.code, 500)


def failure(code: int, message: str) -> QueryFailure:
    """Build a failure of our own in the engine's words."""
    return QueryFailure(code, f"Code: {code}. DB::Exception: {message} ({NAMES[code]})")


def from_engine(error: RuntimeError) -> QueryFailure:
    """Read the code out of the engine's exception, whose text may repeat the prefix once per layer."""
    text = _NESTED.sub("", str(error)).strip()
    found = _CODE.search(text)
    if found is None:
        return QueryFailure(UNKNOWN, f"Code: {UNKNOWN}. DB::Exception: {text} (UNKNOWN_EXCEPTION)")
    return QueryFailure(int(found.group(1)), text[found.start() :])
