"""Named values: names and values without personal data, on every level, still as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.processing.scrub_values import scrubbed_json


@pytest.mark.parametrize(
    ("given_values", "kept"),
    [
        (
            {"plan": "basic", "count": 3, "ok": True, "none": None},
            {"plan": "basic", "count": 3, "ok": True, "none": None},
        ),
        ({"ratio": 0.123456789012, "small": -1e-7}, {"ratio": 0.123456789012, "small": -1e-7}),
        ({"note": "mail ana@example.com"}, {"note": "mail [email]"}),
        ({"firstName": "Ana", "last_name": "Pop"}, {"firstName": "[value]", "last_name": "[value]"}),
        ({"password": "hunter2", "user": {"email": "x"}}, {"password": "[value]", "user": {"email": "[value]"}}),
        ({"ana@example.com": 1, "bob@example.com": 2}, {"[email]": "[value]", "[email] (2)": "[value]"}),
        ({"number": 40721123456}, {"number": "[phone]"}),
        ({"list": ["ana@example.com", 5, ["10.20.30.40"]]}, {"list": ["[email]", 5, ["[address]"]]}),
        ({"message_id": "abc", "usage": 5, "page": 2}, {"message_id": "abc", "usage": 5, "page": 2}),
        ({"login": True, "address": None}, {"login": True, "address": None}),
    ],
)
def test_values_are_scrubbed_by_name_and_by_what_they_say(given_values: dict[str, Any], kept: dict[str, Any]) -> None:
    assert json.loads(scrubbed_json(given_values)) == kept


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1), _VALUES, max_size=5))
def test_whatever_comes_leaves_as_an_object_with_as_many_names(values: dict[str, Any]) -> None:
    found = json.loads(scrubbed_json(values))
    assert isinstance(found, dict)
    assert len(found) == len(values)
