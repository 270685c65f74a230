"""Rows of the trail as files: what is written is what was stored, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from telemetry_platform.processing.trail_rows import csv_header, csv_lines, document, jsonl

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def cells(written: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written.decode(), newline="")))


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
@example([("=1+1", "'=1+1"), ("\t=x", "\r\n"), ("\uff1d1", '"=1"'), (" =1", "")])
def test_no_cell_begins_a_formula_and_every_text_comes_back(rows: list[tuple[str, str]]) -> None:
    found = cells(csv_lines([{"a": one, "b": two} for one, two in rows], ["a", "b"]))
    assert not [cell for line in found for cell in line if cell[:1] in set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")]
    assert [tuple(cell.removeprefix("'") for cell in line) for line in found] == rows


def test_values_are_written_as_json_has_them() -> None:
    row = {
        "seq": 2**62,
        "event_id": UUID(int=7),
        "at": datetime(2026, 2, 17, 12, 0, 0, 120, tzinfo=timezone(timedelta(hours=2))),
        "details": {"b": 1, "a": "=x"},
        "none": None,
        "yes": True,
    }
    assert cells(csv_header([*row]) + csv_lines([row], [*row])) == [
        [*row],
        [str(2**62), str(UUID(int=7)), "2026-02-17T10:00:00.000120Z", '{"b":1,"a":"=x"}', "", "true"],
    ]
    line = jsonl([row])
    assert line.endswith(b"\n")
    assert json.loads(line) == row | {"event_id": str(UUID(int=7)), "at": "2026-02-17T10:00:00.000120Z"}


def test_details_that_were_redacted_are_told_from_none() -> None:
    at = datetime(2026, 2, 17, tzinfo=UTC)
    redacted = document({"recorded_at": at, "details_hash": "a" * 64, "details": None})
    never = document({"recorded_at": at, "details_hash": None, "details": None})
    there = document({"recorded_at": at, "details_hash": "a" * 64, "details": {}})
    assert [row["details_redacted"] for row in (redacted, never, there)] == [True, False, False]
    assert redacted["recorded_at"] == "2026-02-17T00:00:00.000000Z"
