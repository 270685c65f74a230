"""How the fields of a payload become columns, and what is refused."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from telemetry_platform.contracts.columns import Stored, payload_columns
from telemetry_platform.contracts.pii import Domain, Hashed, Kept, NotStored
from telemetry_platform.contracts.types import Milliseconds, Payload, RawId


class Inner(Payload):
    """Nested data."""

    took: Annotated[Milliseconds, Kept(), Stored(unit="ms"), Field(description="how long")]


class First(Payload):
    """One variant."""

    event: Annotated[Literal["first"], Kept(), Field(description="type")]
    person: Annotated[RawId, Hashed(Domain.ACTOR), Field(description="who")]
    sent_at: Annotated[str, NotStored(), Field(description="forgotten")]
    data: Inner


class Second(Payload):
    """Another variant, without data."""

    event: Annotated[Literal["second"], Kept(), Field(description="type")]
    person: Annotated[RawId, Hashed(Domain.ACTOR), Field(description="who")]


def test_nested_data_is_flattened_and_nullable_where_a_variant_lacks_it() -> None:
    columns = {column.name: column for column in payload_columns((First, Second))}
    assert list(columns) == ["event", "person", "took"]
    assert columns["took"].nullable
    assert columns["took"].unit == "ms"
    assert columns["took"].clickhouse == "Float64"
    assert not columns["event"].nullable
    assert columns["person"].treatment == Hashed(Domain.ACTOR)
    assert columns["person"].clickhouse == "String"


def test_a_field_without_a_treatment_does_not_load() -> None:
    class Undecided(Payload):
        note: Annotated[str, Field(description="nobody decided")]

    with pytest.raises(TypeError, match="note needs exactly one treatment"):
        payload_columns((Undecided,))


def test_a_field_without_a_description_does_not_load() -> None:
    class Silent(Payload):
        note: Annotated[str, Kept()]

    with pytest.raises(TypeError, match="description"):
        payload_columns((Silent,))


def test_variants_must_agree_about_a_column() -> None:
    class Other(Payload):
        person: Annotated[str, Kept(), Field(description="raw")]

    with pytest.raises(TypeError, match="disagree about the column person"):
        payload_columns((Second, Other))
