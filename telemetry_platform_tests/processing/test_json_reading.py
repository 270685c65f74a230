"""JSON that strangers wrote."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.processing.json_reading import JsonFaultError, excess, may_need_repair, read_json, repaired

KNOWN = {"event", "data", "properties"}


def code(body: bytes) -> str:
    with pytest.raises(JsonFaultError) as caught:
        read_json(body)
    return caught.value.code


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity"])
def test_e22_literals_that_are_not_json_are_refused(literal: bytes) -> None:
    assert code(b'{"position_seconds": ' + literal + b"}") == "invalid_number"


@pytest.mark.parametrize("text", [b"1e999", b"-1e999"])
def test_e22_a_number_beyond_a_double_is_left_to_its_field(text: bytes) -> None:
    assert abs(read_json(b"[" + text + b"]")[0]) == float("inf")


def test_e23_a_number_of_5000_digits_is_refused() -> None:
    assert code(b'{"current_bitrate": ' + b"9" * 5000 + b"}") == "invalid_number"


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000])
def test_e23_endless_nesting_is_refused(body: bytes) -> None:
    assert code(body) in {"too_deep", "malformed_json"}


@pytest.mark.parametrize("body", [b'{"event":"play","event":"seek"}', b'{"a":[{"b":1,"b":1}]}'])
def test_e23_a_key_given_twice_is_refused(body: bytes) -> None:
    assert code(body) == "duplicate_key"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe{}", b'{"a":"\xed\xa0\x80"}', b'{"a":"\x00"}', b"{} {}", b"\xef\xbb\xbf{}"]
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert code(body) == "malformed_json"


def test_e20_nul_and_lone_surrogates_are_replaced_in_texts_and_keys() -> None:
    body = rb'{"message":"boom\u0000x","a\u0000b":["\ud83d"],"kept":"\\u0000","pair":"\ud83d\ude00"}'
    assert may_need_repair(body)
    value, changed = repaired(read_json(body))
    assert changed
    assert value == {"message": "boom\ufffdx", "a\ufffdb": ["\ufffd"], "kept": "\\u0000", "pair": "\U0001f600"}


@pytest.mark.parametrize("depth", [6, 100, 600, 900, 5_000])
def test_e23_a_repair_of_what_is_nested_without_end_is_refused(depth: int) -> None:
    nested: object = "\x00"
    for _ in range(depth):
        nested = [nested]
    with pytest.raises(JsonFaultError) as caught:
        repaired(nested)
    assert caught.value.code == "too_deep"


def test_a_repair_that_makes_two_keys_equal_is_refused() -> None:
    with pytest.raises(JsonFaultError):
        repaired(read_json(rb'{"a\u0000":1,"a\ufffd":2}'))


def test_e25_limits_are_named() -> None:
    many = excess({"properties": {f"k{number}": 1 for number in range(10_000)}}, KNOWN)
    assert many is not None
    assert (many.field, many.code) == ("properties", "too_many_keys")
    long = excess({"event": "x" * 5_000}, KNOWN)
    assert long is not None
    assert (long.field, long.code) == ("event", "string_too_long")
    assert "4096" in long.message
    secret = excess({"ana@example.com": {"x": "y" * 5_000}}, KNOWN)
    assert secret is not None
    assert secret.field == ""


def test_e25_only_the_field_itself_may_be_longer() -> None:
    long = "x" * 5_000
    assert excess({"event": long}, KNOWN, {"event": 5_000}) is None
    for other in ({"data": long}, {"data": {"event": long}}, {"nobody": {"event": long}}):
        assert excess(other, KNOWN, {"event": 5_000}) is not None
    strange = excess({"nobody": {"event": long}}, KNOWN)
    assert strange is not None
    assert strange.field == ""


def test_depth_is_counted_from_the_event() -> None:
    assert excess({"a": {"b": {"c": {"d": {}}}}}, KNOWN) is None
    with pytest.raises(JsonFaultError):
        excess({"a": {"b": {"c": {"d": {"e": {}}}}}}, KNOWN)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(values)
def test_what_others_write_is_read_as_they_meant_it(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(JsonFaultError):
        json.dumps(read_json(body))
