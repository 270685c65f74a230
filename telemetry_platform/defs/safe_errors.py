"""The outermost edge of a step: whatever leaves here is stored by Dagster and shown to people.

Invariants: an exception that reaches Dagster holds no value of an event (the platform's own errors hold none; any other
may quote the data that it stumbled over, so only its type and place go on); a step that is tried again stays within its
run's limit, after which Dagster would end it in the middle of its work.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from telemetry_platform.errors import LeaseLostError, PermanentError, PlatformError, TransientError

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
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise PermanentError(
            f"the step stopped on an unexpected {type(error).__name__} in {Path(place.filename).name}, line "
            f"{place.lineno}. Nothing was acknowledged that is not stored. `telemetry drain` shows the error's text, "
            "which may hold personal data, on your terminal only"
        ) from None


def _alone(error: TransientError) -> TransientError:
    """The error without the driver's below it."""
    error.__cause__ = None
    error.__suppress_context__ = True
    return error
