"""Limits follow from the contracts: what the payload's types take passes, what they refuse does not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.column_limits import SOMEBODY, limits
from telemetry_platform.processing.scrub import scrub

MEDIA = limits(kinds()["media"])


@pytest.mark.parametrize(
    ("column", "kind", "good", "bad"),
    [
        ("event", pa.string(), ["session_start", "play", "pause", "session_end"], ["stop", "", "play2", "Play"]),
        ("percent", pa.uint8(), [25, 50, 75, 95], [0, 26, 100]),
        ("position_seconds", pa.float64(), [0.0, 604_800.0, None], [-0.001, 604_800.5]),
        ("http_status", pa.uint16(), [0, 999], [1_000]),
        ("effective_bandwidth", pa.float64(), [0.0, 1_000_000.0], [1_000_000.5]),
        # A code in one variant, two words in another: whatever either takes.
        ("reason", pa.string(), ["completed", "abandoned", "abr"], ["Ana Popescu", "a" * 65]),
        ("resolution", pa.string(), ["720p", "1920x1080", None], ["", "720 p"]),
        ("error_code", pa.string(), ["MEDIA_ERR_NETWORK", "404"], ["203.0.113.9", "ana@example.com", ""]),
        # What the API would have made another name of does not come under its first one.
        ("connection_type", pa.string(), ["wifi", "4g", "other"], ["AnaPopescu"]),
    ],
)
def test_the_payloads_own_types_hold_at_rest(
    column: str, kind: pa.DataType, good: list[object], bad: list[object]
) -> None:
    assert MEDIA[column].hold(pa.array(good, kind))
    for value in bad:
        assert not MEDIA[column].hold(pa.array([*good, value], kind)), value


def test_whoever_a_table_is_swept_by_must_be_somebody_unless_the_kind_takes_what_is_nobodys() -> None:
    assert {name for name, kind in kinds().items() if kind.may_be_nobodys} >= {"errors", "audit", "api_metrics"}
    assert not kinds()["staff_metrics"].may_be_nobodys
    for kind in kinds().values():
        if isinstance(kind.table.erasure, SweptBy) and not kind.may_be_nobodys:
            assert SOMEBODY in limits(kind)[kind.table.erasure.column].patterns


@pytest.mark.parametrize("text", ["%@x.ro", "/,%@x.ro", "a %%@a.1.example.org.", "-%-@x-y.ro", "x@@y.ro", "%40%@x.ro"])
def test_what_scrubbing_leaves_is_taken_by_the_column(text: str) -> None:
    assert MEDIA["error_message"].hold(pa.array([scrub(text)]))


def test_each_tells_text_by_text() -> None:
    values = pa.chunked_array([["a" * 64, "", None, "A" * 64]])
    assert MEDIA["actor_hash"].each(values).to_pylist() == [True, False, False, False]
