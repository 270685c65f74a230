"""What faulty senders do to an event: it must be rejected by the field that is named, and cost its neighbours nothing.

A breakage changes an event as it stands on the wire. Invariant: exactly one thing is wrong with what it returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Wire = dict[str, Any]


@dataclass(frozen=True)
class Breakage:
    """`field` is what the answer must name."""

    field: str
    change: Callable[[Wire], Wire]


def without(name: str) -> Breakage:
    """The field is missing."""
    return Breakage(name, lambda event: {key: value for key, value in event.items() if key != name})


def says(name: str, value: object) -> Breakage:
    """The field says something that it cannot."""
    return Breakage(name, lambda event: event | {name: value})


NO_ZONE = Breakage("timestamp", lambda event: event | {"timestamp": event["timestamp"].removesuffix("Z")})
"""A timestamp without a zone means something else on every machine."""
