"""JSON values without personal data: names as well as values, at every level, as one line of JSON.

Invariants: no name and no text leaves here unscrubbed; a value whose name says that it is personal is replaced,
whatever it looks like, since nothing in `Ana` tells that it is a person, and so is everything within it; a number that
looks like an id is one, unless its name says that it is a measure.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from telemetry_platform.processing.personal_names import is_personal_name, parted
from telemetry_platform.processing.scrub import scrub
from telemetry_platform.processing.scrubbing.numbers import is_measure

if TYPE_CHECKING:
    from collections.abc import Mapping

_REPLACED = "[value]"
_FIELD = re.compile(r"[\w.-]{1,64}", re.ASCII)


def scrubbed_json(values: Mapping[str, Any]) -> str:
    """The object as JSON text in the order of its names."""
    return orjson.dumps(_object(values, personal=False)).decode()


def _object(values: Mapping[str, Any], *, personal: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    copies: dict[str, int] = {}
    for name, value in values.items():
        # In `{"patients": {"Ana Popescu": 1}}` the name is no field's.
        clean = _REPLACED if personal and not _FIELD.fullmatch(name) else scrub(name)
        key, copy = clean, copies.get(clean, 1)
        # Two names that differ in what was personal in them must not become one. Counting goes on where it stopped:
        # from the start each time, thousands of such names would take the square of their number.
        while key in found:
            copy += 1
            key = f"{clean} ({copy})"
        copies[clean] = copy
        found[key] = _value(value, name, personal=personal or _is_personal(name))
    return found


def _value(value: Any, name: str, *, personal: bool) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(value, dict):
        return _object(value, personal=personal)
    if isinstance(value, list):
        return [_value(part, name, personal=personal) for part in value]
    # Yes, no and nothing say nothing of anybody.
    if isinstance(value, bool) or value is None or value == "":
        return value
    if personal:
        return _REPLACED
    if isinstance(value, str):
        return scrub(value)
    # Digits behind the point are a measurement's: nobody's number has any.
    text = str(int(abs(value)))
    clean = text if is_measure(name, text) else scrub(text)
    return value if clean == text else clean


@lru_cache(maxsize=4096)
def _is_personal(name: str) -> bool:
    """Whether what is called so is personal or a secret, whatever it looks like."""
    return is_personal_name(name) or scrub(probe := f"{parted(name)}=x1") != probe
