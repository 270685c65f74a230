"""What a store holds, in parts that can be looked through: tables as lines of text, files as bytes.

Invariant: whoever gives parts gives all that is there, or raises; what was left out is named by the giver.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class TablePart:
    """One table, decoded: a line a row, columns between tabs, in the order of `columns`."""

    name: str
    columns: tuple[str, ...]
    blocks: Iterator[bytes] = field(repr=False)


@dataclass(frozen=True)
class FilePart:
    """One file as it lies there: pieces with their places; between pieces are zeros."""

    name: str
    pieces: Iterator[tuple[int, bytes]] = field(repr=False)
