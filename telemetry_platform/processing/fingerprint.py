"""The fingerprint of an error: the same for one error, whatever ids, numbers and names its message holds.

It is made of the source, the code and the message's words. Words with digits, what stands in quotes and what the
scrubber replaced are taken for variable, and runs of them count as one, so that lists of different length are the same.
Invariant: it is made of scrubbed text only, so that it is no digest of anything personal.
"""

from __future__ import annotations

import hashlib
import re

_HEX_DIGITS = 32
_FRAMES = re.compile(r"^\s*(?:at\s+)?([^\s(@]+)", re.MULTILINE)
_VARIABLE = (
    # What the scrubber has put in.
    re.compile(r"\[(?:id|email|phone|address|token|secret|value|user|credentials)\]"),
    re.compile(r"\"[^\"]*\"|'(?:[^'\\]|\\.)*'(?!\w)|`[^`]*`|“[^”]*”"),
    # URLs and paths: which one failed is told by other columns.
    re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//[^\s)\"']+|(?<!\w)(?:/[\w:.~%-]+){2,}/?"),
    # With the unit behind it: `30s` is `1200 ms`.
    re.compile(r"[\w.:+@%-]*\d[\w.:+@%,-]*(?:\s(?:ms|s|sec|secs|seconds|minutes|bytes|[kmg]i?b|px)\b)?", re.IGNORECASE),
)
_RUN = re.compile(r"#(?:[\s,;:./|&()-]*#)+")
_SPACE = re.compile(r"\s+")


def fingerprint(source: str, code: str, message: str | None, stack: str | None = None) -> str:
    """32 hex digits. Without a message the innermost frame's function stands for it."""
    words = message or ""
    if not words.strip() and stack:
        frames = _FRAMES.findall(stack)
        words = frames[0] if frames else ""
    for pattern in _VARIABLE:
        words = pattern.sub("#", words)
    words = _SPACE.sub(" ", _RUN.sub("#", words)).strip().lower()
    digest = hashlib.sha256(b"".join(_prefixed(part) for part in (source, code, words)))
    return digest.hexdigest()[:_HEX_DIGITS]


def _prefixed(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(4, "big") + raw
