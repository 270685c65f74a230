"""How a command that runs services ends: through its `finally` blocks, whatever signal ends it.

Invariant: signals are the main thread's; in another one nothing is changed.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


def _exit_on(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave through the `finally` blocks, so that nothing stays behind."""
    raise SystemExit(128 + number)


@contextmanager
def leaving_on_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end the block as Ctrl-C does; by default they would end Python on the spot."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, _exit_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
