"""The outermost edge of a step: whatever leaves here is stored by Dagster and shown to people.

Invariant: an exception that reaches Dagster holds no value of an event. The platform's own errors hold none; any other
may quote the data that it stumbled over, so only its type and place go on.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from telemetry_platform.errors import LeaseLostError, PermanentError, PlatformError, TransientError

_RETRIES = 3
_RETRY_SECONDS = 10.0


@contextmanager
def only_safe_errors() -> Iterator[None]:
    """Let only an error that may pass be tried again; a lost lease is not, since another drain is at work."""
    try:
        yield
    except LeaseLostError as error:
        raise error from None
    except TransientError as error:
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
