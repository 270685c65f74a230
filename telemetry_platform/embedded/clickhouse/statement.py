"""What a request asks for: a result, an insert with data, or anything else; and in which format.

Invariant: the text that reaches the engine is exactly one statement, and an INSERT's data never pass through the SQL
parser; `analyse` sees only as much of a body as it needs to find where the data begin.
"""

from __future__ import annotations

import enum
import itertools
from dataclasses import dataclass
from typing import Final

from telemetry_platform.embedded.clickhouse.failures import SYNTAX_ERROR, failure
from telemetry_platform.embedded.clickhouse.tokens import Kind, Token, tokens


class Verb(enum.Enum):
    """How the engine has to be asked."""

    INSERT_DATA = "insert with data of the request"
    KILL = "kill query"
    OTHER = "any other statement"


@dataclass(frozen=True)
class Statement:
    """One statement. `data_at` is where an INSERT's data begin; `form` is the format that the text itself names."""

    verb: Verb
    text: str
    form: str | None = None
    data_at: int | None = None


# Each block of these is complete in itself, so blocks can follow each other on the wire; others carry a header, footer
# or schema around the whole.
STREAMABLE: Final = frozenset(
    name.lower()
    for name in (
        *(
            "Native",
            "TabSeparated",
            "TSV",
            "TabSeparatedRaw",
            "TSVRaw",
            "CSV",
            "RowBinary",
            "Values",
            "TSKV",
            "LineAsString",
        ),
        *(
            "JSONEachRow",
            "JSONLines",
            "NDJSON",
            "JSONCompactEachRow",
            "JSONStringsEachRow",
            "JSONCompactStringsEachRow",
        ),
    )
)


def first_keyword(text: str) -> str:
    """The first keyword of a text, or the mark it begins with; empty for an empty text."""
    return next((token.keyword or token.text for token in tokens(text)), "")


def analyse_insert(text: str) -> Statement:
    """Read an INSERT up to its data, or recognise INSERT ... SELECT, which has none.

    Behind a dot, INTO or TABLE every word is a name: `INSERT INTO format.values FORMAT TSV`.
    """
    depth = 0
    before: Token | None = None
    form_at: int | None = None
    for token in tokens(text):
        is_name = before is not None and (before.text == "." or before.keyword in {"INTO", "TABLE", "FUNCTION"})
        before = token
        if form_at is not None:
            return Statement(Verb.INSERT_DATA, text[:form_at], token.text.strip('`"'), _skip(text, token.end))
        if token.text == ";":
            raise failure(SYNTAX_ERROR, "Multi-statements are not allowed; an INSERT ends with its data.")
        if token.kind is Kind.MARK:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
        elif not is_name and token.keyword in {"SELECT", "WITH", "WATCH"}:
            return Statement(Verb.OTHER, text)
        elif not is_name and depth == 0 and token.keyword == "VALUES":
            return Statement(Verb.INSERT_DATA, text[: token.start], "Values", token.end)
        elif not is_name and depth == 0 and token.keyword == "FORMAT":
            form_at = token.start
    return Statement(Verb.INSERT_DATA, text)


def _skip(text: str, position: int) -> int:
    """Skip blanks and one line end after the format's name, no more: the data may begin with a blank line."""
    end = len(text)
    while position < end and text[position] in " \t\f":
        position += 1
    if text[position : position + 1] == ";":
        position += 1
    if text[position : position + 1] == "\r":
        position += 1
    return position + 1 if text[position : position + 1] == "\n" else position


def analyse(text: str) -> Statement:
    """Read a whole statement that is no INSERT with data: its verb and the format that it names itself."""
    found = list(tokens(text)) if "format" in text.lower() or "kill" in text.lower() else []
    if not text.strip():
        raise failure(SYNTAX_ERROR, "Empty query")
    form: str | None = None
    depth = 0
    for token, following in itertools.pairwise(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.MARK else 0
        if depth == 0 and token.keyword == "FORMAT" and following.kind in {Kind.WORD, Kind.QUOTED}:
            form = following.text.strip('`"')
    kills = len(found) > 1 and (found[0].keyword, found[1].keyword) == ("KILL", "QUERY")
    return Statement(Verb.KILL if kills else Verb.OTHER, text, form)
