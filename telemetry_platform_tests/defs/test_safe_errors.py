"""What an exception says when it leaves a step: never a value; and what is tried again: only what may pass."""

from __future__ import annotations

import socket

import dagster as dg
import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from telemetry_platform.defs.safe_errors import only_safe_errors
from telemetry_platform.errors import LeaseLostError, PermanentError
from telemetry_platform.settings import ClickHouseSettings
from telemetry_platform.stores.warehouse import open_warehouse

SECRET = "ana.popescu@example.org"


def as_dagster_stores_it(error: BaseException) -> str:
    assert error.__traceback__ is not None
    return serializable_error_info_from_exc_info((type(error), error, error.__traceback__)).to_string()


def test_an_unexpected_error_keeps_its_place_and_loses_its_text() -> None:
    with pytest.raises(PermanentError) as raised, only_safe_errors():
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

    with pytest.raises(PermanentError) as raised, only_safe_errors():
        fail()
    told = as_dagster_stores_it(raised.value)
    assert "the row does not fit its table" in told
    assert SECRET not in told


def test_a_store_that_does_not_answer_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        nobody = ClickHouseSettings(url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(dg.RetryRequested) as raised, only_safe_errors(), open_warehouse(nobody):
            pass
    assert raised.value.max_retries == 3
    assert "ClickHouse does not answer" in as_dagster_stores_it(raised.value)


def test_a_lost_lease_is_not_tried_again() -> None:
    with pytest.raises(LeaseLostError), only_safe_errors():
        raise LeaseLostError("another drain holds the lease")
