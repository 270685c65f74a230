"""What no client may do here: reach files, programs and addresses outside the data directory.

The engine's own grants (`config.py`) refuse the table functions, table engines, database engines and dictionaries that
leave the process. This module refuses what no grant covers: INTO OUTFILE, FROM INFILE, the scalar function `file`, the
table functions `python`, `executable` and `eval`, and what would hide their names in a string that the engine reads as
SQL: the table function `format` (its structure has DEFAULT expressions) and a few settings.

Invariant: names count where they can act, so a string literal or a column of the same name passes, and a name cannot
hide behind case, comments, quotes, escapes or a parameter. A column called `file` is refused only beside APPLY or an
`array...`/`map...` call, which could take it for the function. The data of the format Values are expressions too: who
inserts them asks here first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from telemetry_platform.embedded.clickhouse.failures import ACCESS_DENIED, failure
from telemetry_platform.embedded.clickhouse.tokens import Kind, Token, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CALLS: Final = frozenset({"file", "python", "executable", "eval"})
_CLAUSES: Final = frozenset({("INTO", "OUTFILE"), ("FROM", "INFILE")})
# Their values are expressions, or choose another language than SQL.
_SETTINGS: Final = frozenset(
    {
        *("additional_result_filter", "additional_table_filters", "parallel_replicas_custom_key"),
        *("schema_inference_hints", "dialect", "polyglot_dialect"),
    }
)
# Cheap and without false negatives: a text that has none of these cannot name what is refused.
_SUSPICIOUS: Final = ("file", "python", "executable", "eval", "\\", *_SETTINGS)
_FORMAT_CALL: Final = re.compile(r"format[`\"”]?\s*[(/#-]")
_PATTERN: Final = re.compile(r"'[^'\\]*\{")


def refuse_forbidden(sql: str, parameters: Mapping[str, str]) -> None:
    """Raise ACCESS_DENIED when the statement could leave the data directory."""
    hidden = any(value.strip("`\"' \t\n").lower() in _CALLS for value in parameters.values())
    lowered = sql.lower()  # names are ASCII
    if not hidden and not any(word in lowered for word in _SUSPICIOUS) and _FORMAT_CALL.search(lowered) is None:
        return
    found = list(tokens(sql))
    if any(token.keyword in {"SET", "SETTINGS", "SETTING"} for token in found):
        refuse_settings(token.name for token in found)
    if hidden and any(token.name == "identifier" for token in found):
        raise failure(ACCESS_DENIED, "A parameter of type Identifier may not name a function that reads outside.")
    for token, following, after in zip(found, [*found[1:], None], [*found[2:], None, None], strict=False):
        _refuse_pair(token, following)
        if token.name == "format" and following is not None and following.text == "(":
            _refuse_table_function(after)
    if any(token.name == "file" for token in found) and _takes_functions(found):
        raise failure(ACCESS_DENIED, "`file` beside APPLY, array... or map... may be the function; rename the column.")


def refuse_settings(names: Iterable[str]) -> None:
    """Raise ACCESS_DENIED when one of the settings takes what the engine reads as code."""
    if named := _SETTINGS.intersection(names):
        raise failure(ACCESS_DENIED, f"The setting {min(named)} is refused by the embedded server.")


def _refuse_table_function(argument: Token | None) -> None:
    """Tell the function format('{}', x), whose first argument is a pattern, from the table function of that name."""
    if argument is None or argument.kind is not Kind.LITERAL or _PATTERN.match(argument.text) is None:
        raise failure(ACCESS_DENIED, "The table function format is refused by the embedded server.")


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
