"""Rows of an evidence archive as lines of JSON, and back: a line says all that a hash or a signature was made over.

Invariants: times are RFC 3339 in UTC to the microsecond; details stand in a line only for the platform's own actions,
and only with the keys that those may have, since whoever posts events may name an action as they like.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from telemetry_platform.contracts.audit_chain import ROW_FORM, Anchor
from telemetry_platform.contracts.own_actions import own_actions
from telemetry_platform.contracts.retention_runs import RetentionRun
from telemetry_platform.processing.audit_chain import row_form
from telemetry_platform.processing.chain_walk import ChainRow
from telemetry_platform.processing.trail_rows import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

Document = dict[str, Any]
_TIMES_OF_ROWS = tuple(name for name, spelling in ROW_FORM if spelling == "time")
_TIMES_OF_RUNS = ("began_at", "ended_at", "cut_off", "oldest_remaining")
_TIMES_OF_ANCHORS = ("begins", "ends", "anchored_at")
_MAY_TELL = {action.name: action.details for action in own_actions()}


class LineError(Exception):
    """A line that is not of its file's shape; the message says in which way."""


def line(row: Mapping[str, Any]) -> bytes:
    """One row, with the line feed behind it."""
    document = {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in row.items()}
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


def trail_line(row: Mapping[str, Any]) -> bytes:
    """One row of the trail; details that are not the platform's own are withheld, and so is what they hash with."""
    if row["details"] is not None and not _is_own(row["action"], row["details"]):
        row = {**row, "details": None, "details_nonce": None}
    return line(row)


def read_line(text: bytes) -> Document:
    """What a line says. Raises LineError for one that is no object."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise LineError("it is no JSON") from None
    if not isinstance(found, dict):
        raise LineError("it is no object")
    return found


def chain_row(document: Document) -> ChainRow:
    """A row of the trail as far as the chain goes. Raises LineError."""
    try:
        values = _with_times(document, _TIMES_OF_ROWS)
        return ChainRow(int(values["seq"]), row_form(values), _text(values["prev_hash"]), _text(values["row_hash"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise LineError("it is no row of the trail") from None


def retention_run(document: Document) -> RetentionRun:
    """A proof of retention. Raises LineError."""
    try:
        values = _with_times(document, _TIMES_OF_RUNS)
        return RetentionRun(**{**values, "run_id": UUID(values["run_id"])})
    except (KeyError, TypeError, ValueError, AttributeError):
        raise LineError("it is no retention run") from None


def anchor(document: Document) -> Anchor:
    """An anchor. Raises LineError."""
    try:
        values = _with_times(document, _TIMES_OF_ANCHORS)
        return Anchor(**{**values, "signature": bytes.fromhex(values["signature"])})
    except (KeyError, TypeError, ValueError, AttributeError):
        raise LineError("it is no anchor") from None


def own_details(document: Document) -> Mapping[str, Any] | None:
    """The details of a row, where the archive has them. Raises LineError."""
    text = document.get("details")
    return None if text is None else read_line(_text(text).encode())


def _is_own(action: str, details: str) -> bool:
    allowed = _MAY_TELL.get(action)
    found = orjson.loads(details)
    return allowed is not None and isinstance(found, dict) and found.keys() <= allowed


def _with_times(document: Document, names: tuple[str, ...]) -> Document:
    return document | {name: datetime.fromisoformat(document[name]) for name in names if document.get(name) is not None}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise LineError("a text in it is none")
    return value
