"""Whose fault a dead process is: first tries run side by side, a batch that has failed before is tried alone.

Invariant: while a suspect is tried, no other batch is begun or under way in this process, so that a crash is counted
against the suspect only. Else the innocent batch of the other worker would be charged with every crash, and put aside
in the end.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turns:
    """Shared by the workers of one drain."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = 0
        self._alone = False
        self._suspects = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """A first try: beside others of its sort, never beside a suspect."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self._suspects)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A suspect: beside nobody."""
        with self._changed:
            self._suspects += 1
            self._changed.wait_for(lambda: not self._alone and not self._together)
            self._suspects -= 1
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
