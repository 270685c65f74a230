"""Details as the drain takes them out of the queue: the text of one JSON object that PostgreSQL's jsonb can hold."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.column_limits import limits

GOOD = (
    "{}",
    r'{"path": "C:\\u0000"}',
    r'{"a": ["\\\\u0000", 0.1, null, {"b": true}]}',
    json.dumps({"\N{REPLACEMENT CHARACTER}": 'line one\nline "two"', "person": "Zo\u00eb \U0001f9d8"}),
)
BAD = (
    "",
    "null",
    "[1]",
    '"text"',
    "{",
    '{"a": NaN}',
    '{"a": 1e999}',
    r'{"a": "\u0000"}',
    r'{"a\u0000b": 1}',
    r'{"a": "\\\u0000"}',
    r'{"a": "\ud800"}',
)
"""What is no object, what is no JSON, and what JSON allows and jsonb does not."""


@pytest.mark.parametrize("kind", ["audit", "security"])
def test_only_objects_that_can_be_stored_enter_details(kind: str) -> None:
    limit = limits(kinds()[kind])["details"]
    assert limit.each(pa.chunked_array([list(GOOD + BAD)])).to_pylist() == [True] * len(GOOD) + [False] * len(BAD)
