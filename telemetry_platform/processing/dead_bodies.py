"""The body of a dead letter: as it came, but without anything that could name a person.

Invariant: what a column of the table may hold, in the form that the API gives it, stays as it is, so that the letter
can be replayed; everything else is scrubbed like free text, keys included, because nobody knows what it is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from telemetry_platform.contracts.pii import Scrubbed
from telemetry_platform.processing.scrub import scrub

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind

_MOST = 64 * 1024
# A pseudonym, a UUID, a word as slugs are (no @, no dots between numbers), a truncated address.
_HARMLESS = re.compile(
    r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z][A-Za-z_ -]{0,63}|[0-9]{1,5}[pk]?"
    r"|([0-9]{1,3}\.){3}0|[0-9a-f:]{2,15}::",
    re.ASCII,
)


def scrubbed_body(kind: EventKind, body: bytes) -> str:
    """The body as text that may rest."""
    text = body[:_MOST].decode("utf-8", "replace").replace("\0", "�")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return scrub(text)
    if not isinstance(found, dict):
        return scrub(text)
    plain = {column.name for column in kind.table.columns if not isinstance(column.treatment, Scrubbed)}
    return json.dumps(
        {
            key if key in plain else scrub(key): value if key in plain and _is_harmless(value) else _scrubbed(value)
            for key, value in found.items()
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _is_harmless(value: object) -> bool:
    if isinstance(value, str):
        return _HARMLESS.fullmatch(value) is not None
    return value is None or isinstance(value, (bool, int, float))


def _scrubbed(value: object) -> object:
    """Numbers may be telephone numbers where no column says what they are."""
    if isinstance(value, (bool, float)) or value is None:
        return value
    return scrub(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
