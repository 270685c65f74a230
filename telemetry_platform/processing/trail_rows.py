"""Rows of the trail as people take them away: JSON objects, and CSV that a spreadsheet runs nothing of.

Invariants: times are RFC 3339 in UTC to the microsecond, as they are stored and hashed. A CSV cell that a spreadsheet
might take for a formula has a `'` before it, and so has one that begins with a `'` itself: whoever takes one `'` away
from the front of each cell has what was stored.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# The four that begin a formula, their full-width forms, and what spreadsheets skip before they look for one.
_DANGEROUS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n '")
REDACTED = "details_redacted"


def document(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row as JSON has it; of the trail, it says whether its details were redacted."""
    found = {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in row.items()}
    if "details_hash" in found:
        found[REDACTED] = found["details_hash"] is not None and found["details"] is None
    return found


def rfc3339(moment: datetime) -> str:
    """A moment in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def jsonl(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """One object a line."""
    return b"".join(orjson.dumps(document(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def csv_header(columns: Sequence[str]) -> bytes:
    """The first line."""
    return _written([columns])


def csv_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """One line a row."""
    documents = map(document, rows)
    return _written([_cell(row[column]) for column in columns] for row in documents)


def _written(lines: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a column holds
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = (
        value
        if isinstance(value, str)
        else orjson.dumps(value).decode()
        if isinstance(value, (dict, list))
        else str(value)
    )
    return f"'{text}" if text[:1] in _DANGEROUS and text else text
