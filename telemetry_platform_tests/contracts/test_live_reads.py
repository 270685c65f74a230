"""Nothing that people see reads a bare table: expired rows lie there until the night, and are hidden at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import telemetry_platform
from telemetry_platform import sql_files
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.registry import tables

KEPT = {table.name: table for table in tables().values() if table.store is Store.CLICKHOUSE}
VIEWS = {file.name: file.text for file in sql_files.files("clickhouse/views")}
QUERIES = {file.name: file.text for file in sql_files.files("clickhouse/queries")}
LIVE = {
    f"{name}_live" if not table.final else f"{name.removesuffix('_events')}_current": table
    for name, table in KEPT.items()
}

_FOLD = "the fold works on a session's events, of which none may be missing"
_INGEST = "the drain looks for what it has stored itself, within days"
_ERASURE = "an erasure reaches what has expired and was not removed yet"
_HOLD = "a legal hold reaches what has expired and was not removed yet"
_RETENTION = "retention looks for what has expired"
_ROLLUP = "a rebuild reads a day whole, and a comparison from its base, without what has expired"
_LIVE = "a live table counts what is inserted, and hides by its own minute"
_AT_REST = "a check or a reconciliation looks at what rests, not at what is shown"
WORKERS = {
    "check_column": _AT_REST,
    "copy_held_rows": _HOLD,
    "copy_surviving_versions": _RETENTION,
    "copy_survivors": _RETENTION,
    "count_batch_rows": _INGEST,
    "count_current_rows": _AT_REST,
    "count_drops": _AT_REST,
    "count_expired_rows": _RETENTION,
    "count_named_rows": _ERASURE,
    "count_rows": _AT_REST,
    "count_rows_between": _ERASURE,
    "count_rows_by_person": _ERASURE,
    "count_rows_from_before": _ERASURE,
    "count_stalls": _AT_REST,
    "count_uncopied_rows": _HOLD,
    "delete_expired_versions": _RETENTION,
    "fold_media_sessions": _FOLD,
    "fold_media_stalls": _FOLD,
    "recompute_api_health_hourly": _ROLLUP,
    "recompute_errors_hourly": _ROLLUP,
    "recompute_media_health_hourly": _ROLLUP,
    "recompute_pose_sessions": _ROLLUP,
    "recompute_staff_daily": _ROLLUP,
    "recompute_stalls_hourly": _ROLLUP,
    "recompute_video_health_hourly": _ROLLUP,
    "live_api_by_minute_fill": _LIVE,
    "live_errors_by_minute_fill": _LIVE,
    "live_media_by_minute_fill": _LIVE,
    "rebuild_media_health_hourly": _ROLLUP,
    "rebuild_stalls_hourly": _ROLLUP,
    "rebuild_video_health_hourly": _ROLLUP,
    "select_batch_days": _INGEST,
    "select_base_days": _ROLLUP,
    "select_rollup_day": _ROLLUP,
    "count_rows_of_day": _ROLLUP,
    "select_stall_days": _FOLD,
    "select_pose_days": _FOLD,
    "media_timeline": _FOLD,
    "retract_media_stalls": _FOLD,
    "select_all_rows": _AT_REST,
    "select_batch_events": _INGEST,
    "select_capped_cut_off": _RETENTION,
    "select_expired_partitions": _RETENTION,
    "select_fold_scope": _FOLD,
    "select_held_days": _HOLD,
    "select_key_epochs": _AT_REST,
    "select_known_events": _INGEST,
    "select_known_events_of_sessions": _INGEST,
    "select_oldest_row": _RETENTION,
    "select_session_days": _FOLD,
    "select_session_figures": _AT_REST,
    "select_session_starts": _INGEST,
    "select_silent_sessions": _FOLD,
    "select_stalled_sessions": _FOLD,
}
"""Statements of workers that read tables as they are, each with the reason; whatever is shown to people is not here."""
NO_TIME = {
    "count_person_rows": "for tables without a retention; count_visible_person_rows for all others",
    "select_person_rows": "for tables without a retention; select_visible_person_rows for all others",
}
_BARE = re.compile(rf"\b(?:FROM|JOIN)\s+(?:{'|'.join(KEPT)}|{{table:Identifier}})(?![\w.])")
_SINCE = re.compile(r"\{time:Identifier\} >= \{since:DateTime64\(3, 'UTC'\)\}")


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))


def _reads_bare(name: str, text: str) -> bool:
    """Whether a statement reads a table with a retention, without the time from which on it is shown."""
    code = _without_comments(text)
    if name in LIVE or ((name.endswith("_visible_person_rows") or "_visible_" in name) and _SINCE.search(code)):
        return False
    return bool(_BARE.search(code))


def test_what_reads_a_bare_table_is_a_workers() -> None:
    bare = {name for name, text in {**QUERIES, **VIEWS}.items() if _reads_bare(name, text)}
    assert bare == {*WORKERS, *NO_TIME}, "read the view <table>_live or <table>_current, or say why a worker reads it"


def test_every_view_that_hides_is_one_of_a_table() -> None:
    assert {name for name in VIEWS if name.endswith(("_live", "_current"))} <= set(LIVE)


def test_no_module_reads_a_bare_table_in_a_statement_of_its_own() -> None:
    root = Path(telemetry_platform.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if _BARE.search(path.read_text(encoding="utf-8"))
    }
    # The demo looks which keys the events of a day were taken under: figures of what rests.
    assert found == {"cli/demo_privacy.py"}


# A new table needs no view before something reads it for people.
@pytest.mark.parametrize("view", sorted(LIVE.keys() & VIEWS.keys()))
def test_a_view_hides_what_the_contract_says(view: str) -> None:
    retention = LIVE[view].retention
    unit = retention.unit.capitalize()
    condition = f"{retention.column} >= telemetry_now() - toInterval{unit}({retention.amount})"
    assert condition in VIEWS[view]
    assert "now64" not in VIEWS[view]
