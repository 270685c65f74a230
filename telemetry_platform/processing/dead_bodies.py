"""The body of a dead letter: as it came, but without anything that could name a person.

Invariant: what a column of the table may hold, in the form that the API gives it, stays as it is, so that the letter
can be replayed; everything else is scrubbed like free text, keys included, because nobody knows what it is. Of what no
column may hold, text with spaces does not stay: scrubbing finds no names.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import orjson

from telemetry_platform.contracts.columns import TIME
from telemetry_platform.contracts.pii import Hashed, Scrubbed
from telemetry_platform.processing.agent import BROWSERS, SYSTEMS
from telemetry_platform.processing.column_limits import limits
from telemetry_platform.processing.frames import PACK, is_pack, per_frame
from telemetry_platform.processing.scrub import scrub
from telemetry_platform.processing.scrub_values import scrubbed_json

if TYPE_CHECKING:
    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.processing.column_limits import Limit

# No request is larger; a body that was cut is no JSON any more, and could not be replayed.
_MOST = 1024 * 1024
# A pseudonym, a fingerprint, a UUID, a word as slugs are (no space, no @, no dots between numbers), a cut address.
_HARMLESS = re.compile(
    r"[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z][A-Za-z_-]{0,63}|[0-9]{1,5}[pk]?"
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
    columns = {column.name: column for column in kind.table.carried if not isinstance(column.treatment, Scrubbed)}
    packed = {name: value for name, value in found.items() if _is_of_frames(kind, name, value)}
    if kind.frames is not None and PACK in found and PACK not in packed:
        # Scrubbing reads text: it does not see what base64 holds.
        packed[PACK] = "[frames]"
    free = {column.name for column in kind.table.carried} - columns.keys()
    return json.dumps(
        {
            key if key in columns or key in free else _text(key): _free_text(value)
            if key in free and isinstance(value, str)
            else _value(value, columns.get(key), limits(kind).get(key))
            for key, value in found.items()
            if key not in packed
        }
        | packed,
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _is_of_frames(kind: EventKind, name: str, value: object) -> bool:
    """Whether a value is numbers of frames and nothing else: a list of a column's own, or the pack."""
    if kind.frames is None:
        return False
    if isinstance(value, str):
        return name == PACK and is_pack(kind.frames, value)
    if not isinstance(value, list) or name not in per_frame(kind.frames):
        return False
    lowest, highest = (0, 2**32) if name == kind.frames.number else _MOMENTS
    return all(isinstance(number, int) and lowest <= number < highest for number in value)


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
    return value if column is not None and _may_stay(value, limit) else _text(value)


def _may_stay(text: str, limit: Limit | None) -> bool:
    """Whether the text is harmless in any column, or what the payload's own type gives for this one."""
    return bool(_HARMLESS.fullmatch(text)) or text in _FAMILIES or (limit is not None and limit.takes(text))


def _free_text(text: str) -> str:
    """Scrubbed text; JSON as the API writes it is scrubbed name by name, so that it is JSON afterwards."""
    if text.startswith("{"):
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            return scrub(text)
        if isinstance(found, dict) and orjson.dumps(found).decode() == text:
            return scrubbed_json(found)
    return scrub(text)


def _is_small(number: float, column: Column | None, limit: Limit | None) -> bool:
    """Whether a number cannot be a telephone number, or is what its column is for."""
    if column is not None and column.clickhouse == TIME:
        return _MOMENTS[0] <= number < _MOMENTS[1]
    return abs(number) < _LARGEST or (limit is not None and limit.allows(number))


def _text(text: str) -> str:
    """Text that no column may hold."""
    clean = scrub(text)
    return "[text]" if _SPACE.search(clean) else clean
