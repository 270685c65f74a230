"""The pure parts of an evidence archive: lines, manifest, what is red, the page, certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from telemetry_platform.contracts import evidence_files as files
from telemetry_platform.contracts.audit_chain import BEGINNING, ROW_FORM, Position
from telemetry_platform.contracts.evidence import Entry, Manifest, Period, Stretch, period
from telemetry_platform.contracts.retention_runs import ChainState
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing import evidence_manifest
from telemetry_platform.processing.audit_chain import row_form
from telemetry_platform.processing.evidence_certificates import certificate_fault
from telemetry_platform.processing.evidence_figures import Figures
from telemetry_platform.processing.evidence_findings import Circumstances, findings
from telemetry_platform.processing.evidence_lines import LineError, chain_row, read_line, trail_line
from telemetry_platform.processing.evidence_summary import Told, summary

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
FEBRUARY = Period(date(2026, 2, 1), date(2026, 2, 28))
ROW: dict[str, Any] = {name: None for name, _ in ROW_FORM} | {
    "seq": 7,
    "event_id": UUID(int=1),
    "occurred_at": datetime(2026, 2, 17, 10, 0, 0, 123456, tzinfo=UTC),
    "recorded_at": datetime(2026, 2, 17, 10, tzinfo=UTC),
    "actor_hash": "",
    "key_epoch": 1,
    "org_id": 'Kliník "1"',
    "action": "audit.read",
    "prev_hash": "a" * 64,
    "row_hash": "b" * 64,
    "details_nonce": "00",
    "details": '{"rows": 3}',
}


def test_a_row_of_the_trail_that_went_through_a_line_has_the_form_that_it_had() -> None:
    assert chain_row(read_line(trail_line(ROW))).form == row_form(ROW)


@pytest.mark.parametrize(
    ("changed", "is_there"),
    [
        ({}, True),
        ({"action": "media.view"}, False),
        ({"details": '{"rows": 3, "name": "somebody"}'}, False),
        ({"details": '["somebody"]'}, False),
        ({"details": None}, False),
    ],
)
def test_details_stand_in_a_line_only_where_the_platform_itself_may_have_written_them(
    changed: dict[str, Any], *, is_there: bool
) -> None:
    found = read_line(trail_line(ROW | changed))
    assert (found["details"] is not None) is is_there
    # One that was redacted says that there was something; one that is withheld says nothing.
    assert (found["details_nonce"] is not None) is (is_there or changed == {"details": None})


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"7"])
def test_what_is_no_object_is_no_line(text: bytes) -> None:
    with pytest.raises(LineError):
        read_line(text)


@pytest.mark.parametrize(
    "changed", [{"occurred_at": 7}, {"occurred_at": "2026-02-30"}, {"seq": "x"}, {"row_hash": None}]
)
def test_what_is_no_row_is_said_to_be_none(changed: dict[str, Any]) -> None:
    with pytest.raises(LineError):
        chain_row(read_line(trail_line(ROW)) | changed)


MANIFEST = Manifest(
    archive_id="an id",
    period=FEBRUARY,
    generated_at=NOW,
    platform_version="1",
    key_id="ab",
    trail_head=Position(9, "c" * 64),
    newest_checkpoint={"number": 3},
    stretch=Stretch(BEGINNING, Position(8, "b" * 64), 1),
    runs=ChainState(1, "0" * 64, 4, "d" * 64),
    red=("something",),
    files=(Entry("a", "e" * 64, 3, 1), Entry("b", "f" * 64, 4)),
)


def test_a_manifest_is_read_as_it_was_written() -> None:
    for manifest in (MANIFEST, replace(MANIFEST, stretch=None, runs=None, newest_checkpoint=None)):
        body = evidence_manifest.write(manifest)
        assert evidence_manifest.read(body) == manifest
        assert evidence_manifest.key_id_of(body) == "ab"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"key_id": 7}', b'{"key_id": "../other"}'])
def test_what_is_no_manifest_has_no_key_and_cannot_be_read(body: bytes) -> None:
    assert evidence_manifest.key_id_of(body) == ""
    with pytest.raises(ContractViolationError, match="no manifest of the format"):
        evidence_manifest.read(body)


def test_a_period_is_whole_days_with_its_last_one() -> None:
    assert FEBRUARY.begins == datetime(2026, 2, 1, tzinfo=UTC)
    assert FEBRUARY.ends == datetime(2026, 3, 1, tzinfo=UTC)
    assert period(date(2026, 2, 1), date(2026, 2, 1)).ends == datetime(2026, 2, 2, tzinfo=UTC)
    with pytest.raises(ContractViolationError, match="--to is its last day"):
        period(date(2026, 2, 2), date(2026, 2, 1))
    for first, last in ((date.min, date(2026, 2, 1)), (date(2026, 2, 1), date.max)):
        with pytest.raises(ContractViolationError, match="years 2000 to 2200"):
            period(first, last)


def good() -> tuple[Figures, Circumstances]:
    """A month in which all was as it must be."""
    figures = Figures()
    figures.verification = {"ok": True, "rows": 8, "anchors": 0, "first_bad_seq": None, "reason": None}
    figures.runs.see(run())
    beside = Circumstances(
        period=FEBRUARY,
        now=NOW,
        stretch=Stretch(BEGINNING, Position(8, "b" * 64), 0),
        no_checkpoint=None,
        runs_fault=None,
        last_sync=FEBRUARY.ends - timedelta(days=3),
    )
    return figures, beside


def run(**changed: object) -> dict[str, Any]:
    return {
        "number": 1,
        "prev_hash": "0" * 64,
        "row_hash": "d" * 64,
        "table_name": "media_events",
        "dry_run": False,
        "rows_dropped": 5,
        "partitions_dropped": 1,
        "expired_after": 0,
        "status": "done",
        **changed,
    }


def test_nothing_is_red_in_a_good_month() -> None:
    assert findings(*good()) == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"no_checkpoint": "the folder is away"},
            "No checkpoint could be signed for this archive: the folder is away.",
        ),
        (
            {"stretch": Stretch(BEGINNING, Position(8, "b" * 64), 2)},
            "Rows at the end of the period that no signed checkpoint has seen: 2.",
        ),
        ({"runs_fault": "run 4 is missing"}, "The chain of retention runs is not whole: run 4 is missing."),
        ({"last_sync": None}, 'The "do not sell" list was never fetched'),
        ({"last_sync": FEBRUARY.ends - timedelta(days=15)}, 'The "do not sell" list was 15 days old.'),
    ],
)
def test_what_could_not_be_done_is_red(changed: dict[str, Any], said: str) -> None:
    figures, beside = good()
    (found,) = findings(figures, replace(beside, **changed))
    assert found.startswith(said)


ERASURE = {
    "erasure_id": "an-id",
    "org_id": "clinic-1",
    "status": "certified",
    "requested_at": NOW - timedelta(days=40),
    "certified_at": NOW,
    "trail_seq": 5,
    "certificate": {"reference": "an-id", "org_id": "clinic-1", "result": "nothing found", "tables": []},
}


@pytest.mark.parametrize(
    ("file", "row", "said"),
    [
        (files.VERIFICATIONS, {"ok": False}, "Verifications in the period that did not find the trail whole: 1."),
        (files.GAPS, {"closed_at": None, "explained_at": None}, "nobody has explained: 1."),
        (
            files.RUNS,
            run(status="stalled", expired_after=3),
            "was not done: media_events (stalled, 3 expired rows left)",
        ),
        (files.ERASURES, ERASURE | {"status": "failed", "certified_at": None}, "or could not be counted: 1."),
        (files.ERASURES, ERASURE | {"status": "erasing", "certified_at": None}, "An erasure that was asked for on"),
        (files.ERASURES, ERASURE | {"trail_seq": None}, "that do not say what one has to say: 1."),
    ],
)
def test_what_the_rows_say_is_red(file: files.DataFile, row: dict[str, Any], said: str) -> None:
    figures, beside = good()
    assert list(figures.seeing(file, [row])) == [row]
    assert any(said in found for found in findings(figures, beside))


@pytest.mark.parametrize(
    ("file", "row"),
    [
        (files.GAPS, {"closed_at": NOW, "explained_at": None}),
        (files.GAPS, {"closed_at": None, "explained_at": NOW}),
        (files.RUNS, run(status="held")),
        (files.ERASURES, ERASURE | {"status": "held", "certified_at": None}),
        (files.ERASURES, ERASURE),
    ],
)
def test_what_is_as_it_may_be_is_not_red(file: files.DataFile, row: dict[str, Any]) -> None:
    figures, beside = good()
    assert list(figures.seeing(file, [row])) == [row]
    assert findings(figures, beside) == ()


def test_without_a_real_run_nothing_proves_retention() -> None:
    figures, beside = good()
    figures.runs = Figures().runs
    figures.runs.see(run(dry_run=True))
    assert findings(figures, beside) == (
        "No run of retention ended in the period: nothing proves that what expired was removed.",
    )


def test_a_trail_that_is_not_whole_comes_first() -> None:
    figures, beside = good()
    figures.verification |= {"ok": False, "first_bad_seq": 57, "reason": "rows 57 to 57 are missing"}
    found = findings(figures, replace(beside, last_sync=None))
    assert found[0] == "The audit trail is not whole, first at row 57: rows 57 to 57 are missing."
    assert len(found) == 2


def test_the_page_escapes_what_comes_from_data() -> None:
    figures, beside = good()
    attack = '"><script>alert(1)</script>'
    figures.access[attack] = 1
    text = summary(figures, beside, [attack], Told(attack, attack, attack))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 5


def test_the_page_claims_nothing_of_a_trail_that_is_not_whole() -> None:
    figures, beside = good()
    whole = summary(figures, beside, (), Told("a", "1", "k"))
    assert "Rows 1 to 8 of the trail are those" in whole
    assert "Retention" in whole
    figures.verification |= {"ok": False, "reason": "x"}
    figures.erasures["certified"], figures.bad_certificates = 1, 1
    broken = summary(figures, replace(beside, runs_fault="run 1 is missing"), ("red",), Told("a", "1", "k"))
    assert "of the trail are those" not in broken
    assert "Of the retention runs" not in broken
    assert "Every certificate" not in broken
    assert "NOT whole" in broken


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"certified_at": None}, "do not agree"),
        ({"status": "erased"}, "do not agree"),
        ({"certificate": None}, "has no certificate"),
        ({"certificate": {"reference": "an-id"}}, "has not what a certificate has"),
        ({"org_id": "clinic-2"}, "that of another one"),
    ],
)
def test_a_certificate_that_does_not_fit_its_erasure_is_found(changed: dict[str, Any], said: str) -> None:
    assert certificate_fault(ERASURE) is None
    assert said in str(certificate_fault(ERASURE | changed))
