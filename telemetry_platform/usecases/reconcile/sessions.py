"""What is folded from media events: sessions column by column, and stalls by cause."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from telemetry_platform.usecases.reconcile.comparing import VALUES, agree
from telemetry_platform.usecases.reconcile.expected import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.reconcile.expected import Expected

PART = "sessions, folded from media"


def session_lines(warehouse: Warehouse, expected: Expected) -> Iterator[Line]:
    """Sessions and how they ended, and for every known column the number of sessions in which it is right."""
    rows = warehouse.query("select_session_figures").to_pylist()
    found = {(row["org_id"], row["session_id"]): row for row in rows}
    yield Line(PART, "media_sessions: rows", len(expected.sessions), len(rows))
    for outcome in ("completed", "abandoned", "open"):
        wanted = sum(session["outcome"] == outcome for session in expected.sessions.values())
        yield Line(PART, f"  {outcome}", wanted, sum(row["outcome"] == outcome for row in rows))
    stalls = {row["cause"]: row["stalls"] for row in warehouse.query("count_stalls").to_pylist()}
    for cause in sorted(set(expected.stalls) | set(stalls)):
        yield Line(PART, f"media_buffering_events: {cause}", expected.stalls.get(cause, 0), stalls.get(cause, 0))
    known: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for session, columns in expected.sessions.items():
        known.update(columns.keys())
        wrong.update(_differing(columns, found.get(session)))
    for column in sorted(known):
        yield Line(PART, f"sessions with the right {column}", known[column], known[column] - wrong[column], VALUES)


def _differing(wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> list[str]:
    """Columns in which a session is not what it must be; all of them when it is not there."""
    return [column for column, value in wanted.items() if found is None or not agree(value, found[column])]
