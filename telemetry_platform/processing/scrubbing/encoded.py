"""What stands in the text in another writing: percent signs, escapes of JSON and JavaScript, entities, base64.

A word that is harmless as it reads stays as it is written; a word that is not is replaced by what is left of it as it
reads. Invariant: signs that keep a text together (quotes, backslashes, controls) are never decoded, so that JSON stays
JSON; the work is linear, and every word is decoded a bounded number of times.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable

_DEPTH = 4
_HINT = re.compile(r"%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|&(?:#[0-9A-Za-z]{2,7}|commat|period|colon);")
_WORD = re.compile(r"""[^\s"'<>{}|,()]++""")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")
_ENTITY = re.compile(r"&(?:#([0-9]{2,6})|#[xX]([0-9A-Fa-f]{2,5})|(commat|period|colon));")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){1,4096}")
_SIGNS = {"commat": "@", "period": ".", "colon": ":"}
_BASE64 = re.compile(r"(?a)(?<![\w+/=-])[\w+-]{12,}+={0,2}|(?<=/)[\w+-]{12,}+={0,2}")
_KEPT = frozenset('"\\')
_SURROGATES = range(0xD800, 0xE000)
_LAST = 0x110000


def decoded(text: str, scrub: Callable[[str], str]) -> str:
    """The text with the words replaced that hold something personal once they are read as they are meant."""
    if _HINT.search(text) is not None:
        text = _WORD.sub(lambda match: _word(match.group(), scrub), text)
    return _BASE64.sub(lambda match: _base64(match.group(), scrub), text)


def _word(word: str, scrub: Callable[[str], str]) -> str:
    meant = word
    for _ in range(_DEPTH):
        if _HINT.search(meant) is None:
            break
        meant = _once(meant)
    if meant == word:
        return word
    clean = scrub(meant)
    return word if clean == meant else clean


def _once(word: str) -> str:
    word = _ESCAPE.sub(lambda match: _sign(int(match.group(1) or match.group(2), 16), match.group()), word)
    word = _ENTITY.sub(
        lambda match: (
            _SIGNS[match.group(3)]
            if match.group(3)
            else _sign(int(match.group(1)) if match.group(1) else int(match.group(2), 16), match.group())
        ),
        word,
    )
    return _PERCENT.sub(lambda match: _percent(match.group()), word)


def _sign(number: int, written: str) -> str:
    if number in _SURROGATES or number >= _LAST:
        return written
    return _kept(chr(number), written)


def _percent(written: str) -> str:
    meant = unquote(written, errors="replace")
    # A path of Windows is written with backslashes: as slashes they end no text.
    return _kept(meant.replace("\\", "/"), written)


def _kept(meant: str, written: str) -> str:
    return written if any(sign in _KEPT or ord(sign) < ord(" ") for sign in meant) else meant


def _base64(run: str, scrub: Callable[[str], str]) -> str:
    bare = run.rstrip("=")
    try:
        meant = base64.urlsafe_b64decode(bare.replace("+", "-") + "=" * (-len(bare) % 4)).decode()
    except (binascii.Error, ValueError):
        return run
    return "[id]" if meant.isprintable() and scrub(meant) != meant else run
