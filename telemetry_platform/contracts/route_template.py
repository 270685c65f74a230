"""Route templates: a route as its application declares it, told from a path that was really called.

Invariant: a template is stored as it stands, for years and beside no person, so whatever could be an id, an address or
a name with a dot is no template; a word that happens to be somebody's name cannot be told.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import PydanticCustomError

_BYTES = 512
_MESSAGE = "must be a route template like /patients/{patient_id}/exams: words and {parameters}, no ids, no query"
_NAME = "([A-Za-z_][A-Za-z0-9_]{0,39})"
_PARAMETER = re.compile(rf"\{{{_NAME}(?::[a-z]{{1,10}})?\}}|<(?:[a-z]{{1,10}}:)?{_NAME}>|:{_NAME}")
_MANY_DIGITS = re.compile(r"(?:[^0-9]*[0-9]){3}")
# A word, or several in camelCase or joined; a dot stands before the suffix of a file alone, or a name would fit.
_WORDS = re.compile(
    r"[a-z]{1,24}(?:[A-Z][a-z]{1,23}|[_-][a-z]{1,24}){0,5}(?:\.(?:csv|html|ico|ics|json|m3u8|mpd|pdf|txt|vtt|xml|zip))?"
)
_WELL_KNOWN = frozenset(
    {".well-known", "2fa", "base64", "h264", "hl7", "i18n", "ipv4", "ipv6", "mp3", "mp4", "oauth2", "r4", "s3", "saml2"}
)
"""What the rule for words keeps out and is nobody's."""
_VERSION = re.compile(r"v[0-9]{1,2}")
_VERSION_PLACES = 3
"""Versions stand at the front; further behind it could be the number of something."""
# Letters that are hexadecimal all of them, and too many for a word; or the groups of a UUID that has no digits.
_HEX_WORD = re.compile(r"[a-f]{8,}|[a-f]{4,}(?:[_-][a-f]{4,})+")


def parse_route_template(value: Any) -> Any:  # noqa: ANN401 - whatever JSON held
    """A route as its application declares it, every parameter as `{name}`; a path that was really called is refused.

    Templates of Starlette and OpenAPI (`{id}`, `{id:path}`), Flask (`<int:id>`) and Express (`:id`) are read.
    """
    if not isinstance(value, str):
        return value
    if len(value) > _BYTES or not value.startswith("/"):
        raise _refusal()
    segments = value[1:].split("/")
    # A slash at the end is part of a template; between two slashes, or behind the first, a host could follow.
    *inner, last = segments
    read = [_segment(place, segment) for place, segment in enumerate(inner)]
    return "/" + "/".join([*read, _segment(len(inner), last) if last else ""])


def _segment(place: int, segment: str) -> str:
    """One part of a template in its stored form."""
    parameter = _PARAMETER.fullmatch(segment)
    if parameter is not None:
        name = parameter[1] or parameter[2] or parameter[3]
        if _MANY_DIGITS.match(name):
            raise _refusal()
        return f"{{{name}}}"
    if segment in _WELL_KNOWN or (place < _VERSION_PLACES and _VERSION.fullmatch(segment)):
        return segment
    if not _WORDS.fullmatch(segment) or _HEX_WORD.fullmatch(segment):
        raise _refusal()
    return segment


def _refusal() -> PydanticCustomError:
    return PydanticCustomError("route_template", _MESSAGE)
