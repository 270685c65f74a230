"""Free text without personal data: e-mails, addresses, secrets, phone numbers, ids, user folders, query values.

What is found is replaced by a word in brackets that says what stood there, so that a message stays readable; which
rules there are is told by the modules of `scrubbing`. Text is read as it looks (characters that nobody sees and wide
forms hide an address from every pattern) and as it is meant (percent signs, escapes, entities, base64). Invariants: the
result stays the same when it is scrubbed again; it does not match the rule for tables at rest, as it is or within JSON,
or the drain would refuse the row; the work grows no faster than the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from telemetry_platform.processing.scrubbing import ids, mail, network, numbers, places, secrets
from telemetry_platform.processing.scrubbing.encoded import decoded
from telemetry_platform.processing.scrubbing.plain import plain

if TYPE_CHECKING:
    from telemetry_platform.processing.scrubbing.rule import Rule

RULES: tuple[Rule, ...] = (
    *secrets.RULES,
    *mail.RULES,
    *ids.UUIDS,
    *network.RULES,
    *places.RULES,
    *numbers.CARDS,
    *numbers.PHONES,
    *ids.NAMED,
    *places.QUERIES,
    *ids.RUNS,
    *numbers.LONG,
    *mail.AT_REST,
    # Again: a word put in by a rule above may have set an address free.
    *network.AT_REST,
)
"""In this order: what is more specific comes first."""

_KEY = "-----BEGIN"
_WRITTEN_BREAK = re.compile(r"(\\[nrt])")
_PASSES = 8
_UNSTABLE = "[text]"
"""What stands for text that every pass still finds something in; nothing that people write is."""


def scrub(text: str) -> str:
    """The text with whatever may identify a person replaced."""
    for _ in range(_PASSES):
        clean = _pass(text)
        if clean == text:
            return text
        text = clean
    return _UNSTABLE


def _pass(text: str) -> str:
    seen = plain(text)
    clean = _decoded(_ruled(seen))
    # What is harmless as it looks keeps the signs that it was written with.
    return _ruled(text) if clean == seen and seen != text else clean


def _decoded(text: str) -> str:
    return decoded(text, _ruled)


def _ruled(text: str) -> str:
    # The letter of a written line break would be the first one of the word behind it. A key has such breaks within.
    if "\\" in text and _KEY not in text:
        text = "".join(map(_by_rules, _WRITTEN_BREAK.split(text)))
    return _by_rules(text)


def _by_rules(text: str) -> str:
    low = text.lower()
    for rule in RULES:
        text = rule.applied(text, low)
    return text
