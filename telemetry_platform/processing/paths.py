"""Paths and URLs reduced to the segments that are known; every other segment may be an id and becomes `:x`.

Invariant: what leaves here is made of `/`, known segments and `:x` alone: no host, no query, no fragment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

UNKNOWN_SEGMENT = ":x"
_MOST_SEGMENTS = 12
_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,15}:)?//[^/?#\\]*")


class PathReducer:
    """Reduces paths and URLs by a list of segments; upper and lower case are the same."""

    def __init__(self, segments: Iterable[str]) -> None:
        self._known = frozenset(segment.lower() for segment in segments)

    def __call__(self, text: str) -> str:
        """The path that the text names: at least `/`; levels beyond the twelfth are left out."""
        host = _HOST.match(text)
        path = re.split(r"[?#;]", text[host.end() :] if host else text, maxsplit=1)[0]
        segments = [segment.lower() for segment in path.split("/") if segment]
        return "/" + "/".join(
            segment if segment in self._known else UNKNOWN_SEGMENT for segment in segments[:_MOST_SEGMENTS]
        )
