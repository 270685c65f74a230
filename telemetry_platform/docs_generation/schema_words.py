"""What a JSON schema allows, in the words of a table's cell, and JSON as a reader likes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = 100
_GROUPED = 10_000
_FORMATS = {"uuid": "UUID", "date-time": "RFC 3339 timestamp with a zone"}
_UNITS = {"Length": "character", "Items": "item", "Properties": "key"}


def values(schema: Mapping[str, Any]) -> str:
    """What a field may hold; null, where it may be left out as well, goes without saying."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(values(part) for part in schema[several] if part != {"type": "null"})
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {values(schema.get('items', {}))}{_bounds(schema)}"
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(kind)
    text = _FORMATS.get(schema.get("format", ""), schema.get("format", kind))
    pattern = f", like `{schema['pattern']}`" if "pattern" in schema else ""
    return f"{text}{_bounds(schema)}{pattern}"


def pretty(value: Any, margin: str = "") -> str:  # noqa: ANN401 - a JSON value
    """JSON with what fits on a line on one line: a list of 33 points shall not be 200 lines."""
    short = json.dumps(value)
    if len(margin) + len(short) <= _LINE or not isinstance(value, (dict, list)):
        return short
    inner = f"{margin}  "
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {pretty(part, inner)}" for key, part in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
    return "[\n" + ",\n".join(f"{inner}{pretty(part, inner)}" for part in value) + f"\n{margin}]"


def _bounds(schema: Mapping[str, Any]) -> str:
    """Limits of a number, or of the size of what is none."""
    low, high, what = schema.get("minimum"), schema.get("maximum"), ""
    for size, words in _UNITS.items():
        if f"min{size}" in schema or f"max{size}" in schema:
            low, high, what = schema.get(f"min{size}"), schema.get(f"max{size}"), words
    if low is None and high is None:
        return ""
    if low is not None and low == high:
        limits = f"exactly {_plain(low)}"
    else:
        ends = (("at least", low), ("at most", high))
        limits = " and ".join(f"{words} {_plain(end)}" for words, end in ends if end is not None)
    several = "" if (low if high is None else high) == 1 else "s"
    return f", {limits} {what}{several}" if what else f", {limits}"


def _plain(number: float) -> str:
    """Whole numbers with all their digits, in groups of three from five digits on."""
    if number != int(number):
        return f"{number:g}"
    return f"{int(number):,}".replace(",", " ") if abs(number) >= _GROUPED else str(int(number))
