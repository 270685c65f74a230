"""Named values: names and values without personal data, on every level, still as JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.processing.column_rules import EMAIL_OR_ADDRESS
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
        (
            {"patient": {"first": "Ana", "age": 5, "active": True, "left": None, "note": ""}},
            {"patient": {"first": "[value]", "age": "[value]", "active": True, "left": None, "note": ""}},
        ),
        (
            {"name": {"value": "Ana P"}, "address": {"lines": [{"text": "Strada Florilor 5"}]}},
            {"name": {"value": "[value]"}, "address": {"lines": [{"text": "[value]"}]}},
        ),
        (
            {"patients": {"Ana Popescu": 1}, "names": ["Ana"]},
            {"patients": {"[value]": "[value]"}, "names": ["[value]"]},
        ),
        ({"see": "see\n@example.com"}, {"see": "see\n[email]"}),
    ],
)
def test_values_are_scrubbed_by_name_and_by_what_they_say(given_values: dict[str, Any], kept: dict[str, Any]) -> None:
    assert json.loads(scrubbed_json(given_values)) == kept


@pytest.mark.parametrize(
    "name",
    [
        *(
            "name",
            "names",
            "patients",
            "addresses",
            "patientname",
            "lastname",
            "emailaddress",
            "dateofbirth",
            "forename",
        ),
        *(
            "contact",
            "phone_numbers",
            "phoneNumbers",
            "IPAddress",
            "clientIp",
            "name2",
            "eMail",
            "post_code",
            "zipcode",
        ),
        *("birthday", "username", "myUserId", "patientAddressLine1", "street_address", "next_of_kin"),
    ],
)
def test_names_that_say_whose(name: str) -> None:
    assert json.loads(scrubbed_json({name: "Ana"})) == {name: "[value]"}


@pytest.mark.parametrize(
    "name",
    [
        *("filename", "file_name", "fileNames", "hostname", "host_name", "event_name", "featureName", "pathname"),
        *("message", "usage", "page", "image", "language", "shipping", "latency", "translation", "agent", "zipped"),
    ],
)
def test_names_of_things_are_kept_with_their_values(name: str) -> None:
    assert json.loads(scrubbed_json({name: "Ana"})) == {name: "Ana"}


def test_names_that_become_one_are_counted_in_linear_time() -> None:
    # Counting from the start for each name would outlast the time limit of the test run.
    values = {f"u{number}@example.com": 1 for number in range(50_000)} | {"[email] (7)": 2}
    found = json.loads(scrubbed_json(values))
    assert len(found) == len(values)
    assert "[email] (50000)" in found


_TEXT = st.text() | st.lists(
    st.sampled_from(
        ["ana", "@", "\uff20", "example.com", "\n", "\x01", "\u200b", "€", "1.2.3", ".4", "٣", '"', "\\", " "]
    ),
    max_size=8,
).map("".join)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_TEXT, _VALUES, max_size=5))
def test_whatever_comes_leaves_as_an_object_with_as_many_names(values: dict[str, Any]) -> None:
    text = scrubbed_json(values)
    assert not re.search(EMAIL_OR_ADDRESS, text)
    found = json.loads(text)
    assert isinstance(found, dict)
    assert len(found) == len(values)
