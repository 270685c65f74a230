"""The engine's lexical rules: where an INSERT's data begin, which format is asked for, which names stand bare.

Invariant: this reads text as the engine's lexer does (tried on 26.9): block comments nest, `--`, `//`, `# ` and `#!`
run to the end of the line (a carriage return does not end it), quotes escape by backslash and by doubling, heredocs
are `$tag$ ... $tag$`, and curly quotes count. A difference would let a name hide from `guard.py`, so what is not
understood (an unclosed quote or comment) is refused instead of guessed.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from telemetry_platform.embedded.clickhouse.failures import SYNTAX_ERROR, failure

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(enum.Enum):
    """What a token is, as far as anybody here asks."""

    WORD = "word"
    QUOTED = "quoted"
    LITERAL = "literal"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Token:
    """One token with its place in the text."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def keyword(self) -> str:
        """Upper-case text of a bare word, empty for everything else: a quoted name is never a keyword."""
        return self.text.upper() if self.kind is Kind.WORD else ""

    @property
    def name(self) -> str:
        """Lower-case name that a bare or quoted identifier stands for; empty for literals and marks."""
        if self.kind is Kind.WORD:
            return self.text.lower()
        return self.text[1:-1].lower() if self.kind is Kind.QUOTED else ""


# A string or a number. Lists of them are one token: a statement may hold 20,000 ids, and nobody asks for one of them.
#
# A quote ends at a mark of its own that no second one follows, so that no shorter end is ever found by going back.
# Groups are not possessive, as one would write it: Python 3.11.2 (Debian 12) goes back into such a group within a
# list, and takes `'b''c` for a string that ends after b; 3.11.7 does not.
_ITEM: Final = r"""(?:'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*'(?!') | [0-9][A-Za-z0-9_]*+)"""
_TOKEN: Final = re.compile(
    r"""
      (?P<skip>\s+ | --[^\n]* | //[^\n]* | \#[ !][^\n]*)
    | (?P<comment>/\*)
    | (?P<literal>ITEM (?:\s*+,\s*+ITEM)* | ‘[^’]*’ | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<quoted>`[^`\\]*+(?:(?:\\.|``)[^`\\]*+)*`(?!`) | "[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*"(?!") | “[^”]*”)
    | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
    | (?P<mark>.)
    """.replace("ITEM", _ITEM),  # noqa: RUF001 - the engine knows curly quotes, so the lexer has to
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
_OPEN_QUOTES: Final = frozenset("'`\"‘“")  # noqa: RUF001 - same
_KINDS: Final = {"literal": Kind.LITERAL, "quoted": Kind.QUOTED, "word": Kind.WORD, "mark": Kind.MARK}


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of a text lazily, so that a reader may stop where an INSERT's data begin."""
    position, end = 0, len(sql)
    while position < end:
        found = _TOKEN.match(sql, position)
        if found is None:  # the last alternative takes any character: only the end of the text gets here
            return
        group = found.lastgroup if found.lastgroup != "tag" else "literal"
        position = found.end()
        if group == "skip":
            continue
        if group == "comment":
            position = _comment_end(sql, position)
            continue
        text = found.group()
        if group == "mark" and text in _OPEN_QUOTES:
            raise failure(SYNTAX_ERROR, f"Syntax error: a quote opened at position {found.start() + 1} is not closed.")
        yield Token(_KINDS[group or "mark"], text, found.start(), position)


def _comment_end(sql: str, position: int) -> int:
    """Position after a block comment whose opening mark ends at `position`; comments nest."""
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(sql, position)
        if edge is None:
            raise failure(SYNTAX_ERROR, "Syntax error: a comment is not closed.")
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position
