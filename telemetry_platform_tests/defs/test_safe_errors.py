"""What an exception says when it leaves a step: never a value; and what is tried again: only what may pass."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from telemetry_platform.defs.landing.budget import Budget
from telemetry_platform.defs.safe_errors import only_safe_errors
from telemetry_platform.errors import LeaseLostError, PermanentError, TransientError
from telemetry_platform.settings import ClickHouseSettings, Settings
from telemetry_platform.stores.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

PLENTY = 600.0
SECRET = "ana.popescu@example.org"


def as_dagster_stores_it(error: BaseException) -> str:
    assert error.__traceback__ is not None
    return serializable_error_info_from_exc_info((type(error), error, error.__traceback__)).to_string()


@contextmanager
def nobody() -> Iterator[ClickHouseSettings]:
    """An address that refuses every connection."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        yield ClickHouseSettings(url=f"http://127.0.0.1:{taken.getsockname()[1]}")


def plenty() -> float:
    return PLENTY


def test_an_unexpected_error_keeps_its_place_and_loses_its_text() -> None:
    with pytest.raises(PermanentError) as raised, only_safe_errors(plenty):
        int(SECRET)
    told = as_dagster_stores_it(raised.value)
    assert "ValueError in test_safe_errors.py" in told
    assert SECRET not in told


def test_our_own_error_loses_what_it_was_made_from() -> None:
    def fail() -> None:
        try:
            int(SECRET)
        except ValueError as error:
            raise PermanentError("the row does not fit its table") from error

    with pytest.raises(PermanentError) as raised, only_safe_errors(plenty):
        fail()
    told = as_dagster_stores_it(raised.value)
    assert "the row does not fit its table" in told
    assert SECRET not in told


def test_a_store_that_does_not_answer_is_tried_again() -> None:
    with (
        nobody() as refused,
        pytest.raises(dg.RetryRequested) as raised,
        only_safe_errors(plenty),
        open_warehouse(refused),
    ):
        pass
    assert raised.value.max_retries == 3
    assert "ClickHouse does not answer" in as_dagster_stores_it(raised.value)


def test_it_is_left_to_the_next_run_when_this_one_has_no_time_for_it() -> None:
    with (
        nobody() as refused,
        pytest.raises(TransientError) as raised,
        only_safe_errors(lambda: 39.0),
        open_warehouse(refused),
    ):
        pass
    told = as_dagster_stores_it(raised.value)
    assert "ClickHouse does not answer" in told
    assert "urllib3" not in told


def test_a_further_try_has_what_its_run_has_left() -> None:
    budget = Budget(begun=1_000.0, seconds=600.0)
    assert budget.limit(Settings(), 1_590.0).drain.budget_seconds == 10.0
    assert budget.left(1_601.0) == 0.0


def test_a_lost_lease_is_not_tried_again() -> None:
    with pytest.raises(LeaseLostError), only_safe_errors(plenty):
        raise LeaseLostError("another drain holds the lease")
