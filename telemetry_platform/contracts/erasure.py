"""How a table answers an erasure request: swept by a column, or expiring only, with the reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SweptBy:
    """Rows of the person are deleted, found by their pseudonym in `column`."""

    column: str


@dataclass(frozen=True)
class ExpiresOnly:
    """Rows stay until retention removes them."""

    why: str


Erasure = SweptBy | ExpiresOnly
