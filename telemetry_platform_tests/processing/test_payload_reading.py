"""Payloads as they are read from JSON: limits hold for what no type of ours describes, known or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.contracts.types import STACK_BYTES, STRING_BYTES
from telemetry_platform.processing.json_reading import MAX_KEYS, JsonFaultError
from telemetry_platform.processing.payload_reading import Payload, PayloadReader, Rejection

SAMPLES = Path(__file__).parent.parent / "samples"
FREE = [("audit", "read_of_a_patient"), ("security", None), ("analytics", "page_view")]
"""Every kind with a field whose names are the client's, and a sample of it."""


def sample(kind: str, name: str | None = None) -> dict[str, Any]:
    """An accepted event of a kind."""
    path = next((SAMPLES / kind / "accepted").glob(f"{name or '*'}.json"))
    event: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return event


def free_field(kind: str) -> str:
    return "properties" if kind == "analytics" else "details"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def faults(kind: str, event: object) -> list[tuple[str, str]]:
    """Fields and codes that an event is refused by."""
    read = PayloadReader(kinds()[kind]).read(event)
    assert isinstance(read, Rejection), read
    return [(fault.field, fault.code) for fault in read.faults]


def test_every_kind_with_a_free_field_is_tested_here() -> None:
    free = {
        name
        for name, kind in kinds().items()
        for model in kind.payload
        if {"properties", "details"} & set(model.model_fields)
    }
    assert free == {kind for kind, _ in FREE}


@pytest.mark.parametrize(("kind", "name"), FREE)
def test_e25_a_free_field_keeps_the_limits_of_all_events(kind: str, name: str | None) -> None:
    event, field = sample(kind, name), free_field(kind)
    assert faults(kind, event | {field: {"a": "x" * 900_000}}) == [(field, "string_too_long")]
    assert faults(kind, event | {field: {f"k{number}": 1 for number in range(60_000)}}) == [(field, "too_many_keys")]


@pytest.mark.parametrize("kind", ["audit", "security"])
def test_e25_limits_hold_within_details(kind: str) -> None:
    event = sample(kind)
    inner = {f"k{number}": 1 for number in range(MAX_KEYS + 1)}
    assert faults(kind, event | {"details": {"a": inner}}) == [("details", "too_many_keys")]
    assert faults(kind, event | {"details": {"a": ["x" * (STRING_BYTES + 1)]}}) == [("details", "string_too_long")]
    assert faults(kind, event | {"details": {"route": "x" * (STRING_BYTES + 1)}}) == [("details", "string_too_long")]
    assert faults(kind, event | {"details": {"a": [10**30]}}) == [("details", "invalid_number")]
    fine = {"a": {"b": ["x" * STRING_BYTES, 2**63 - 1, -0.5, None, True]}}
    assert isinstance(PayloadReader(kinds()[kind]).read(event | {"details": fine}), Payload)


@pytest.mark.parametrize(("kind", "name"), FREE)
@pytest.mark.parametrize("levels", [5, 254, 300, 900])
def test_e23_a_free_field_may_be_no_deeper_than_an_event(kind: str, name: str | None, levels: int) -> None:
    with pytest.raises(JsonFaultError) as caught:
        PayloadReader(kinds()[kind]).read(sample(kind, name) | {free_field(kind): nested(levels)})
    assert caught.value.code == "too_deep"


@pytest.mark.parametrize("kind", ["audit", "security"])
def test_details_may_be_as_deep_as_an_event(kind: str) -> None:
    assert isinstance(PayloadReader(kinds()[kind]).read(sample(kind) | {"details": nested(4)}), Payload)


@pytest.mark.parametrize("value", [[1], {}, {"a": 1}, 10**400, float("nan"), float("inf")])
def test_a_property_that_is_no_scalar_is_one_fault(value: object) -> None:
    read = PayloadReader(kinds()["analytics"]).read(sample("analytics", "page_view") | {"properties": {"ana": value}})
    assert isinstance(read, Rejection)
    assert [(fault.field, fault.code, fault.message) for fault in read.faults] == [
        ("properties", "scalar_type", "must be text, a number, true, false or null")
    ]


@pytest.mark.parametrize("value", ["x", "", 1, -1, 0.5, True, False, None, 2**53])
def test_a_property_keeps_its_type(value: object) -> None:
    read = PayloadReader(kinds()["analytics"]).read(sample("analytics", "page_view") | {"properties": {"a": value}})
    assert isinstance(read, Payload)
    found = read.model.properties["a"]  # type: ignore[attr-defined]  # every model of the kind has it
    assert (type(found), found) == (type(value), value)


def test_only_the_stack_may_be_as_long_as_a_stack() -> None:
    event = sample("errors", "app")
    long = "x" * (STRING_BYTES + 1)
    assert faults("errors", event | {"nobody_knows": long}) == [("", "string_too_long")]
    assert faults("errors", event | {"nobody_knows": {"stack": long}}) == [("", "string_too_long")]
    read = PayloadReader(kinds()["errors"]).read(event | {"nobody_knows": 1, "stack": "x" * STACK_BYTES})
    assert isinstance(read, Payload)
    assert read.unknown_fields == 1
    assert faults("errors", event | {"stack": "x" * (STACK_BYTES + 1)}) == [("stack", "string_too_long")]
