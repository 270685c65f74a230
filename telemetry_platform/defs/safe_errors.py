"""The outermost edge of a step: whatever leaves here is stored by Dagster and shown to people.

Invariants: an exception that reaches Dagster holds no value of an event (the platform's own errors hold none; any other
may quote the data that it stumbled over, so only its type and place go on); a step that is tried again stays within its
run's limit, after which Dagster would end it in the middle of its work.
"""

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import dagster as dg

from telemetry_platform.errors import LeaseLostError, PermanentError, PlatformError, TransientError

P = ParamSpec("P")
R = TypeVar("R")

_RETRIES = 3
_RETRY_SECONDS = 10.0
_WORTH_SECONDS = 30.0
"""A try that could work for less than this is left to the next run, which is asked for as long as entries wait."""


@contextmanager
def only_safe_errors(seconds_left: Callable[[], float]) -> Iterator[None]:
    """Let only an error that may pass be tried again, and only while the run has time for it.

    A lost lease is not tried again: another drain is at work.
    """
    try:
        yield
    except LeaseLostError as error:
        raise error from None
    except TransientError as error:
        if seconds_left() < _RETRY_SECONDS + _WORTH_SECONDS:
            raise error from None
        raise dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=_RETRY_SECONDS) from _alone(error)
    except PlatformError as error:
        raise error from None
    except Exception as error:  # noqa: BLE001 - the outermost edge: an unexpected error's text may hold an event
        raise _named(error) from None


def safely(function: Callable[P, R]) -> Callable[P, R]:
    """What Dagster calls (a step, a check, a sensor, a schedule), telling it of errors without a value of an event.

    It stands below Dagster's own decorator on every such function; what an error was made from is left behind, so that
    neither the event log nor a tick nor the captured output holds it.
    """
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def results(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            with _told_safely():
                yield from function(*args, **kwargs)

        results.__dict__[_GUARDED] = True
        return results  # type: ignore[return-value]  # a generator function, as the one that it stands for

    @wraps(function)
    def result(*args: P.args, **kwargs: P.kwargs) -> R:
        with _told_safely():
            return function(*args, **kwargs)

    result.__dict__[_GUARDED] = True
    return result


def is_guarded(function: object) -> bool:
    """Whether errors of what Dagster calls are told safely."""
    return bool(getattr(function, _GUARDED, False))


_GUARDED = "__tells_errors_safely__"


@contextmanager
def _told_safely() -> Iterator[None]:
    try:
        yield
    except dg.RetryRequested as error:
        raise error from (_alone(error.__cause__) if isinstance(error.__cause__, TransientError) else None)
    except PlatformError as error:
        raise error from None
    except Exception as error:  # noqa: BLE001 - the outermost edge: an unexpected error's text may hold an event
        raise _named(error) from None


def _named(error: Exception) -> PermanentError:
    """The kind of an error and where it was raised, without its text."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return PermanentError(
        f"the step stopped on an unexpected {type(error).__name__} in {Path(place.filename).name}, line "
        f"{place.lineno}. Nothing was acknowledged that is not stored. `telemetry drain` shows the error's text, "
        "scrubbed, on your terminal"
    )


def _alone(error: TransientError) -> TransientError:
    """The error without the driver's below it."""
    error.__cause__ = None
    error.__suppress_context__ = True
    return error
