"""What a rule is: a pattern, what it is replaced by, and words without which it cannot match.

Invariants: every pattern takes linear time (runs are possessive and begin only where the character before is not of the
run; whatever may go back is of bounded length), so that no hostile text can hold up the API. Only single classes are
repeated possessively: before Python 3.11.5, groups that are match too little. `hints` are of lower case and name every
way in which the pattern can match: text that holds none of them is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    Replacement = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True)
class Rule:
    """One kind of what is replaced."""

    name: str
    pattern: re.Pattern[str]
    replacement: Replacement
    hints: tuple[str, ...] = ()
    beyond_ascii: bool = False
    """Whether only text that holds more than ASCII needs it."""

    def applied(self, text: str, low: str) -> str:
        """The text with what the rule finds replaced; `low` is the text of lower case that the hints are sought in."""
        if self.beyond_ascii and low.isascii():
            return text
        if self.hints and not any(hint in low for hint in self.hints):
            return text
        return self.pattern.sub(self.replacement, text)


DIGITS = tuple("0123456789")
"""Hints of what cannot match without an ASCII digit."""

# A value in quotes (in quotes that are escaped themselves, too), in brackets, or up to the next space.
QUOTED = r"""\\{1,8}+"[^"]*+"?|\\{1,8}+'[^']*+'?|"(?:[^"\\]|\\[\s\S])*"?|'(?:[^'\\]|\\[\s\S])*'?"""
VALUE = rf"(?:{QUOTED}|\([^()]*+\)|(?:bearer |basic |digest )?\S++)"
# What may stand between a name and its value: the end of a quoted key or of one in brackets, and a separator.
KEY_END = r"""\\{0,8}+["']?\)?"""
SEPARATOR = rf"{KEY_END}\s*+(?:=>|:=|[=:])\s*+"


def in_quotes(value: str, word: str) -> str:
    """The word in the quotes or brackets that the value had."""
    quote = next((mark for mark in ('\\"', "\\'", '"', "'") if value.startswith(mark)), "")
    if value.startswith("(") and value.endswith(")"):
        return f"({word})"
    return f"{quote}{word}{quote}"
