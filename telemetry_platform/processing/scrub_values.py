"""JSON values without personal data: names as well as values, at every level, as one line of JSON.

Invariants: no name and no text leaves here unscrubbed; a value whose name says that it is personal is replaced,
whatever it looks like, since nothing in `Ana` tells that it is a person; a number that looks like an id is one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from telemetry_platform.processing.scrub import scrub

if TYPE_CHECKING:
    from collections.abc import Mapping

_REPLACED = "[value]"
_WHOSE = re.compile(
    r"(?i)(?:^|[^a-z])(?:(?:first|last|full|given|family|middle|maiden|display|nick)?[_ -]?name|sur[_ -]?name|"
    r"e?[_ -]?mail|address|street|city|zip|"
    r"post[_ -]?code|birth\w*|dob|age|gender|sex|diagnosis|patient|ssn|cnp|iban|mrn|"
    r"latitude|longitude|lat|lon|lng|ip)(?:$|[^a-z])"
)
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def scrubbed_json(values: Mapping[str, Any]) -> str:
    """The object as JSON text in the order of its names."""
    return orjson.dumps(_object(values)).decode()


def _object(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        clean = scrub(name)
        key, copy = clean, 2
        # Two names that differ in what was personal in them must not become one.
        while key in found:
            key, copy = f"{clean} ({copy})", copy + 1
        found[key] = _REPLACED if _is_told(value) and _is_personal(name) else _value(value)
    return found


def _value(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        return [_value(part) for part in value]
    if isinstance(value, bool) or value is None:
        return value
    # Digits behind the point are a measurement's: nobody's number has any.
    text = str(int(abs(value)))
    clean = scrub(text)
    return value if clean == text else clean


def _is_told(value: Any) -> bool:  # noqa: ANN401 - a JSON value
    """Whether the value says something: yes and no, nothing, and objects (whose own names say more) do not."""
    return not isinstance(value, (bool, dict)) and value not in (None, "", [])


@lru_cache(maxsize=4096)
def _is_personal(name: str) -> bool:
    """Whether what is called so is personal or a secret, whatever it looks like."""
    plain = _HUMPS.sub("_", name)
    probe = f"{plain}=x1"
    return scrub(probe) != probe or _WHOSE.search(plain) is not None
