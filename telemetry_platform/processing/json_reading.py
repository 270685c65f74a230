"""Reading JSON that strangers wrote: strictly, within limits, and without ever repeating what it said.

Python's own reader takes NaN, keeps the last of two equal keys and gives up on deep or very long input in ways of its
own. Invariant: every fault becomes a `JsonFaultError` with a code from a closed set; no message quotes the input.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import takewhile
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from telemetry_platform.contracts.types import STRING_BYTES
from telemetry_platform.errors import ContractViolationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_DEPTH = 5
"""Objects and arrays within each other, counted from the event itself."""
MAX_KEYS = 64
"""Keys of one object."""
_NONE_LONGER: Mapping[str, int] = MappingProxyType({})

# A NUL, or half of a surrogate pair: JSON can write both, PostgreSQL and UTF-8 can hold neither.
_NEEDS_REPAIR = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class JsonFaultError(ContractViolationError):
    """The body as a whole cannot be read; nothing of it is taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Excess:
    """A limit that one value goes beyond: the field that holds it, as far as its names are ours, and which limit."""

    field: str
    code: str
    message: str


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JsonFaultError("duplicate_key", "an object has the same key twice: name every key once")
    return found


def _constant(_: str) -> NoReturn:
    raise JsonFaultError("invalid_number", "NaN and Infinity are not JSON: leave a number out that you do not have")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def read_json(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON held
    """The value that `body` holds. Numbers beyond a double's range become infinite and are refused by their field."""
    try:
        return _decoder.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise JsonFaultError("malformed_json", "the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise JsonFaultError(
            "malformed_json", f"the body is not JSON: line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise too_deep() from None
    except ValueError:
        # int() refuses numbers of thousands of digits, whose conversion takes quadratic time.
        raise JsonFaultError("invalid_number", "a whole number has too many digits") from None


def too_deep() -> JsonFaultError:
    """The fault of a body with more levels than any event has."""
    return JsonFaultError("too_deep", f"objects and arrays may be {MAX_DEPTH} levels deep within an event")


def may_need_repair(body: bytes) -> bool:
    """Whether any string of the body may hold a character that no store can keep."""
    return _NEEDS_REPAIR.search(body) is not None


def repaired(event: Any) -> tuple[Any, bool]:  # noqa: ANN401 - whatever JSON held
    """The event with NULs and lone surrogates of texts and keys replaced, and whether there were any.

    Raises JsonFaultError when it is too deep.
    """
    # Before anything walks down by recursion: the reader lets through what is deeper than Python's stack.
    _check_depth(event)
    return _repaired(event)


def _check_depth(event: Any) -> None:  # noqa: ANN401 - whatever JSON held
    waiting: list[tuple[Any, int]] = [(event, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, (dict, list)):
            if depth > MAX_DEPTH:
                raise too_deep()
            waiting.extend((part, depth + 1) for part in (value.values() if isinstance(value, dict) else value))


def _repaired(value: Any) -> tuple[Any, bool]:  # noqa: ANN401 - whatever JSON held
    if isinstance(value, str):
        text = _UNSTORABLE.sub(_REPLACEMENT, value)
        return text, text != value
    if isinstance(value, list):
        parts = [_repaired(part) for part in value]
        return [part for part, _ in parts], any(changed for _, changed in parts)
    if isinstance(value, dict):
        pairs = [(_repaired(key), _repaired(part)) for key, part in value.items()]
        whole = _object([(key, part) for (key, _), (part, _) in pairs])
        return whole, any(key_changed or part_changed for (_, key_changed), (_, part_changed) in pairs)
    return value, False


def excess(event: Any, known: Collection[str], longer: Mapping[str, int] = _NONE_LONGER) -> Excess | None:  # noqa: ANN401
    """The first limit that an event goes beyond; None when it keeps them all.

    Raises JsonFaultError when it is too deep. `known` are the names that may be repeated in an answer; `longer` are
    limits in bytes of those fields of the event itself that may be longer than all others.
    """
    waiting: list[tuple[Any, tuple[str, ...], int]] = [(event, (), 1)]
    while waiting:
        value, path, depth = waiting.pop()
        if isinstance(value, str):
            limit = longer.get(path[0], STRING_BYTES) if len(path) == 1 else STRING_BYTES
            if _is_longer(value, limit):
                return Excess(_field(path, known), "string_too_long", f"must be at most {limit} bytes long")
            continue
        if not isinstance(value, (dict, list)):
            continue
        if depth > MAX_DEPTH:
            raise too_deep()
        if isinstance(value, list):
            waiting.extend((part, path, depth + 1) for part in value)
            continue
        if len(value) > MAX_KEYS:
            return Excess(_field(path, known), "too_many_keys", f"an object may have at most {MAX_KEYS} keys")
        if any(_is_longer(key, STRING_BYTES) for key in value):
            message = f"a key must be at most {STRING_BYTES} bytes long"
            return Excess(_field(path, known), "string_too_long", message)
        waiting.extend((part, (*path, key), depth + 1) for key, part in value.items())
    return None


def _is_longer(text: str, limit: int) -> bool:
    return len(text) * 4 > limit and len(text.encode("utf-8", "replace")) > limit


def _field(path: tuple[str, ...], known: Collection[str]) -> str:
    """The path as far as its names are ours: from a client's own key on, nothing is repeated."""
    return ".".join(takewhile(known.__contains__, path))
