"""Text as the patterns can read it: without characters that nobody sees, wide and mathematical forms made plain.

Such characters hide an address from every pattern, and look the same to people. Invariant: what is visible stays
readable; the work is linear.
"""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Format characters (Cf) and others that take no room."""
_PLAIN = str.maketrans(
    # The wide forms of ASCII.
    {0xFF01 + offset: chr(0x21 + offset) for offset in range(0x5E)}
    | dict.fromkeys((0xFE52, 0x2024, 0x3002, 0xFF61), ".")
    | {0xFE6B: "@", 0x3000: " "}
    # Spaces and hyphens that only keep a line together: groups of a phone number have them.
    | dict.fromkeys((0xA0, 0x2007, 0x2009, 0x200A, 0x202F), " ")
    | dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212), "-")
    # Five alphabets of digits for formulas.
    | {0x1D7CE + offset: str(offset % 10) for offset in range(50)}
)


def plain(text: str) -> str:
    """The text as it looks."""
    return text if text.isascii() else _UNSEEN.sub("", text).translate(_PLAIN)
