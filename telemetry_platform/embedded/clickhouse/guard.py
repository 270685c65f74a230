"""What no client may do here: reach files, programs and addresses outside the data directory.

The engine's own grants (`config.py`) refuse the table functions, table engines, database engines and dictionaries that
leave the process. This module refuses what no grant covers: INTO OUTFILE, FROM INFILE, the scalar function `file`, and
the table functions `python`, `executable` and `eval`.

Invariant: names count where they can act, so a string literal or a column of the same name passes, and a name cannot
hide behind case, comments, quotes, escapes or a parameter. A column called `file` is refused only beside APPLY or an
`array...`/`map...` call, which could take it for the function.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from telemetry_platform.embedded.clickhouse.failures import ACCESS_DENIED, failure
from telemetry_platform.embedded.clickhouse.tokens import Kind, Token, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

_CALLS: Final = frozenset({"file", "python", "executable", "eval"})
_CLAUSES: Final = frozenset({("INTO", "OUTFILE"), ("FROM", "INFILE")})
# Cheap and without false negatives: a text without these letters and without a backslash cannot name any of them.
_SUSPICIOUS: Final = re.compile(r"file|python|executable|eval|\\", re.IGNORECASE)


def refuse_forbidden(sql: str, parameters: Mapping[str, str]) -> None:
    """Raise ACCESS_DENIED when the statement could leave the data directory."""
    hidden = any(value.strip("`\"' \t\n").lower() in _CALLS for value in parameters.values())
    if not hidden and _SUSPICIOUS.search(sql) is None:
        return
    found = list(tokens(sql))
    if hidden and any(token.name == "identifier" for token in found):
        raise failure(ACCESS_DENIED, "A parameter of type Identifier may not name a function that reads outside.")
    for token, following in zip(found, [*found[1:], None], strict=True):
        _refuse_pair(token, following)
    if any(token.name == "file" for token in found) and _takes_functions(found):
        raise failure(ACCESS_DENIED, "`file` beside APPLY, array... or map... may be the function; rename the column.")


def _refuse_pair(token: Token, following: Token | None) -> None:
    """Raise when a token and its neighbour are a forbidden clause or call."""
    if token.kind is Kind.QUOTED and "\\" in token.text:
        raise failure(ACCESS_DENIED, "Quoted names with backslash escapes are refused; double the quote instead.")
    if following is None:
        return
    if (token.keyword, following.keyword) in _CLAUSES:
        raise failure(ACCESS_DENIED, f"{token.keyword} {following.keyword} is refused by the embedded server.")
    if token.name in _CALLS and following.text == "(":
        raise failure(ACCESS_DENIED, f"{token.name}(...) is refused by the embedded server.")


def _takes_functions(found: list[Token]) -> bool:
    """Whether the statement has a place where a bare name may stand for a function."""
    return any(token.keyword == "APPLY" or token.name.startswith(("array", "map")) for token in found)
