"""How a command that runs services ends: through its `finally` blocks, whatever signal ends it, and however often.

Invariants: signals are the main thread's; in another one nothing is changed. The first signal ends the block, and no
later one ends the stopping: `timeout` sends two, and people press Ctrl-C until something happens.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def _leave(number: int, _frame: FrameType | None) -> None:
    """Leave through the `finally` blocks, so that nothing stays behind."""
    for ending in _ENDING:
        signal.signal(ending, _go_on)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _go_on(_number: int, _frame: FrameType | None) -> None:
    """Take no notice. Not SIG_IGN: processes that are started meanwhile would inherit it."""


@contextmanager
def leaving_on_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end the block as Ctrl-C does; by default they would end Python on the spot."""
    with _handled(_leave):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Nothing but SIGKILL ends the block: it stops services, which takes bounded time."""
    with _handled(_go_on):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """The handler for all signals that end a command; afterwards what was there before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _ENDING}
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)
