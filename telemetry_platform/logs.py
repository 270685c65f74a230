"""What every process of ours writes to its log: without personal data, whoever writes it.

`guard()` is called first by every front door (API, command line, Dagster's code server and webserver, the embedded
stores). It works where records are made, not where they are shown: so it holds for every logger and handler, those of
libraries and those set up later included. Invariants: a message and the text of its exception are scrubbed before any
handler sees them; nothing here raises, since a log call may not fail its caller; ids of runs stay in Dagster's own
records, and addresses of this machine in all, since they name nobody and nothing could be found without them.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from telemetry_platform.processing.scrub import scrub

if TYPE_CHECKING:
    from types import TracebackType

_OWN_ADDRESS = r"(?<![\w.:])(?:127\.0\.0\.1|0\.0\.0\.0|\[?::1\]?)(?![\w.]|:[0-9A-Fa-f]{0,4}:)"
_UUID = r"(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])"
_KEPT = re.compile(f"({_OWN_ADDRESS})")
_KEPT_OF_DAGSTER = re.compile(f"({_OWN_ADDRESS}|{_UUID})")
_DAGSTER = "dagster"
_READS_ARGUMENTS = "uvicorn.access"
"""Its formatter reads the arguments of a record, not its message."""


class GuardedRecord(logging.LogRecord):
    """A log record whose texts are scrubbed as it is made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - what the library gives its records
        super().__init__(*args, **kwargs)
        if self.name is None:
            # An empty record, which is made to be filled or to see what every record has.
            return
        message = _message(self)
        clean = without_personal_data(message, self.name)
        if self.name == _READS_ARGUMENTS and isinstance(self.args, tuple):
            self.args = tuple(scrub(part) if isinstance(part, str) else part for part in self.args)
        elif clean != message or not self.args or not isinstance(self.msg, str):
            self.msg, self.args = clean, ()
        if self.exc_info and self.exc_info[0] is not None:
            # A formatter that finds this text makes none of its own.
            self.exc_text = without_personal_data(_told(*self.exc_info), self.name)
        if self.stack_info:
            self.stack_info = without_personal_data(self.stack_info, self.name)


def guard() -> None:
    """Scrub what this process logs, and what it says when an exception ends it or one of its threads."""
    logging.setLogRecordFactory(GuardedRecord)
    logging.captureWarnings(capture=True)
    sys.excepthook = _ended
    threading.excepthook = _thread_ended
    sys.unraisablehook = _unraisable


def without_personal_data(text: str, logger: str = "") -> str:
    """The text of a log line, scrubbed but for what names nobody."""
    kept = _KEPT_OF_DAGSTER if logger.partition(".")[0] == _DAGSTER else _KEPT
    parts = kept.split(text)
    # Every other part is what is kept.
    return "".join(part if number % 2 else scrub(part) for number, part in enumerate(parts))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - the outermost edge: the library would print the arguments as they are
        record.args = ()
        return f"{record.msg} [arguments that do not fit: {type(error).__name__}]"


def _told(kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> str:
    try:
        return "".join(traceback.format_exception(kind, error, trace)).rstrip("\n")
    except Exception:  # noqa: BLE001 - the outermost edge: an exception whose text cannot be made is told by its name
        return "an exception that cannot be shown" if kind is None else kind.__name__


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _say(_told(kind, error, trace))


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if not issubclass(ended.exc_type, SystemExit):
        name = ended.thread.name if ended.thread is not None else "unknown"
        _say(f"Exception in thread {name}:\n{_told(ended.exc_type, ended.exc_value, ended.exc_traceback)}")


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    _say(f"{found.err_msg or 'Exception ignored'}:\n{_told(found.exc_type, found.exc_value, found.exc_traceback)}")


def _say(text: str) -> None:
    # Without standard error (a daemon's may be closed) there is nobody to tell.
    if sys.stderr is not None:
        sys.stderr.write(without_personal_data(text) + "\n")
