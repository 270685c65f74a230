"""The body of a dead letter: as it came, but without anything that could name a person.

Invariant: what a column of the table may hold, in the form that the API gives it, stays as it is, so that the letter
can be replayed; everything else is scrubbed like free text, keys included, because nobody knows what it is. Of what no
column may hold, text with spaces does not stay: scrubbing finds no names.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from telemetry_platform.contracts.columns import TIME
from telemetry_platform.contracts.pii import Hashed, Scrubbed
from telemetry_platform.processing.agent import BROWSERS, SYSTEMS
from telemetry_platform.processing.column_limits import limits
from telemetry_platform.processing.scrub import scrub

if TYPE_CHECKING:
    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.processing.column_limits import Limit

_MOST = 64 * 1024
# A pseudonym, a UUID, a word as slugs are (no space, no @, no dots between numbers), a truncated address.
_HARMLESS = re.compile(
    r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z][A-Za-z_-]{0,63}|[0-9]{1,5}[pk]?"
    r"|([0-9]{1,3}\.){3}0|[0-9a-f:]{2,15}::",
    re.ASCII,
)
_PSEUDONYM = re.compile("[0-9a-f]{64}", re.ASCII)
_FAMILIES = frozenset({*BROWSERS.values(), *SYSTEMS.values()})
"""Names with spaces that we give ourselves."""
_SPACE = re.compile(r"\s")
# Nine digits may be a telephone number; a time in milliseconds has thirteen.
_LARGEST = 10**8
_MOMENTS = -2_208_988_800_000, 10_413_792_000_000


def scrubbed_body(kind: EventKind, body: bytes) -> str:
    """The body as text that may rest."""
    text = body[:_MOST].decode("utf-8", "replace").replace("\0", "�")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return scrub(text)
    if not isinstance(found, dict):
        return scrub(text)
    columns = {column.name: column for column in kind.table.columns if not isinstance(column.treatment, Scrubbed)}
    free = {column.name for column in kind.table.columns} - columns.keys()
    return json.dumps(
        {
            key if key in columns or key in free else _text(key): scrub(value)
            if key in free and isinstance(value, str)
            else _value(value, columns.get(key), limits(kind).get(key))
            for key, value in found.items()
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _value(value: object, column: Column | None, limit: Limit | None) -> object:
    """A value of a column, or of none, as it may rest."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value if _is_small(value, column, limit) else "[number]"
    if not isinstance(value, str):
        return _text(json.dumps(value, ensure_ascii=False))
    if column is not None and isinstance(column.treatment, Hashed):
        return value if _PSEUDONYM.fullmatch(value) else "[id]"
    if column is not None and (_HARMLESS.fullmatch(value) or value in _FAMILIES):
        return value
    return _text(value)


def _is_small(number: float, column: Column | None, limit: Limit | None) -> bool:
    """Whether a number cannot be a telephone number, or is what its column is for."""
    if column is not None and column.clickhouse == TIME:
        return _MOMENTS[0] <= number < _MOMENTS[1]
    return abs(number) < _LARGEST or (limit is not None and limit.allows(number))


def _text(text: str) -> str:
    """Text that no column may hold."""
    clean = scrub(text)
    return "[text]" if _SPACE.search(clean) else clean
