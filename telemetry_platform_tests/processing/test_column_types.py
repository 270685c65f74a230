"""The drain can build every column of every table that entries land in: a type that it does not know fails here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.contracts.columns import FROM_DRAIN, FROM_STORE, Column
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.row_schema import row_schema

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind


@pytest.mark.parametrize("kind", kinds().values(), ids=kinds())
def test_every_column_that_lands_has_a_type_in_the_drain(kind: EventKind) -> None:
    landing = [column.name for column in kind.table.carried if column.name not in FROM_DRAIN | FROM_STORE]
    assert row_schema(kind.table).names == landing


def test_a_type_that_nobody_knows_is_found() -> None:
    table = kinds()["drops"].table
    odd = replace(table, columns=(*table.columns, Column("odd", "IPv6", "a type of no other table")))
    with pytest.raises(KeyError, match="IPv6"):
        row_schema(odd)
