"""The fingerprint of an error: the same for one error, whatever ids, numbers and names its message holds.

It is made of the source, the code and the message's words. Words with digits, what stands in quotes, behind `id=` and
its like, and what the scrubber replaced are taken for variable; runs of them count as one, so that lists of different
length are the same. Invariants: it is made of scrubbed text only, so that it is no digest of anything personal; only
the beginning of a text is looked at, and every pattern takes linear time (runs are possessive and begin only where the
character before is not of the run), so that no message can hold up the drain.
"""

from __future__ import annotations

import hashlib
import re

_HEX_DIGITS = 32
_LONGEST = 4096
_MOST_LINES = 20
_FRAME = re.compile(r"\s*+(?:at\s++|(?!at\s))([^\s(@]++)")
VARIABLE = (
    # What the scrubber has put in.
    re.compile(r"\[(?:id|email|phone|address|token|secret|value|user|credentials|card)\]"),
    # An apostrophe within a word opens nothing, and neither does a quote that is escaped.
    re.compile(r"\"[^\"]*+\"|(?<![\w\\])'(?:[^'\\]|\\.)*'(?!\w)|`[^`]*+`|“[^“”]*+”"),
    # URLs and paths: which one failed is told by other columns.
    re.compile(
        r"(?:(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*+:)?//[^\s)\"']++|(?<!\w)(?:/[\w:.~%-]++){2,}/?",
        re.IGNORECASE,
    ),
    # With the unit behind it: `30s` is `1200 ms`.
    re.compile(
        r"(?<![\w.:+@%-])(?:[^\W\d]|[.:+@%-])*\d[\w.:+@%,-]*+"
        r"(?:\s(?:ms|s|sec|secs|seconds|minutes|bytes|[kmg]i?b|px)\b[\w.:+@%,-]*+)?",
        re.IGNORECASE,
    ),
    # Hexadecimal that happens to have no digit.
    re.compile(r"(?<![A-Za-z0-9])[a-fA-F]{8,}+(?![A-Za-z0-9])"),
)
# The words of an id have none of its signs: what stands before tells that it is one.
KEYED = re.compile(
    r"((?:(?<![A-Za-z0-9])(?i:[uags]?uid|[gs]?id|key|ref|hash|etag|nonce|slug)|(?<=[a-z])(?:I[dD]|Key|Ref|Hash))"
    r"[ \t]?[=:][ \t]?)[\w.:+@%/-]++"
)
RUN = re.compile(r"#(?:[\s,;:./|&()-]*+#)+")
SPACE = re.compile(r"\s++")


def fingerprint(source: str, code: str, message: str | None, stack: str | None = None) -> str:
    """32 hex digits. Without a message the innermost frame's function stands for it."""
    words = (message or "")[:_LONGEST]
    if not words.strip() and stack:
        words = _innermost(stack)
    for pattern in VARIABLE:
        words = pattern.sub("#", words)
    words = KEYED.sub(r"\1#", words)
    words = SPACE.sub(" ", RUN.sub("#", words)).strip().lower()
    digest = hashlib.sha256(b"".join(_prefixed(part) for part in (source, code, words)))
    return digest.hexdigest()[:_HEX_DIGITS]


def _innermost(stack: str) -> str:
    for line in stack[:_LONGEST].splitlines()[:_MOST_LINES]:
        if (frame := _FRAME.match(line)) is not None:
            return frame.group(1)
    return ""


def _prefixed(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(4, "big") + raw
