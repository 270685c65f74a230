"""Does every number add up: what was sent, what was answered, what the drain counted, and what the tables hold.

Invariant: each side is counted where it rests, and the expectation comes from whoever knows the truth; nothing here
asks the code under test what it thinks it did. A line that does not add up is named, with both numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telemetry_platform.stores.ingest_totals import ingest_totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

ANSWERS = "answers of the API"
ENTRIES = "entries in the landing queue"
TABLES = "rows at rest"
DROPS = "dropped for want of consent"
SESSIONS = "how sessions ended"
COLUMNS = "sessions, column by column"

_TOLERANCE = 0.0011
"""Of figures that are no counts: times are stored in whole milliseconds, positions in thousandths of a second."""


@dataclass(frozen=True)
class Expected:
    """The truth: counts of what was sent and must have become of it, and every session that must be there.

    `answers` are the answers that had to come, `answered` those that came. `outcomes` counts entries by kind and by
    what becomes of them. `drops` is by (kind, level, reason). `sessions` holds, by tenant and session id, the
    columns that are known.
    """

    sent: int
    unanswered: int
    answers: Mapping[str, int]
    answered: Mapping[str, int]
    outcomes: Mapping[str, Mapping[str, int]]
    drops: Mapping[tuple[str, int, str], int]
    access_records: int
    stalls: Mapping[str, int]
    sessions: Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True)
class Line:
    """One number that must be the same on both sides; `part` is what it belongs to."""

    part: str
    name: str
    expected: int
    found: int

    @property
    def adds_up(self) -> bool:
        """Both sides agree."""
        return self.expected == self.found


@dataclass(frozen=True)
class Reconciliation:
    """All lines."""

    lines: tuple[Line, ...]

    @property
    def differences(self) -> tuple[Line, ...]:
        """The lines that do not add up; empty is what everybody wants."""
        return tuple(line for line in self.lines if not line.adds_up)


def reconcile(warehouse: Warehouse, conn: Connection, expected: Expected) -> Reconciliation:
    """Compare the truth with what rests; the queue must be empty, or the lines say so."""
    return Reconciliation(
        (
            *_answer_lines(expected),
            *_entry_lines(conn, expected),
            *_table_lines(warehouse, expected),
            *_drop_lines(warehouse, expected),
            *_session_lines(warehouse, expected),
        )
    )


def _answer_lines(expected: Expected) -> Iterable[Line]:
    """Sent = accepted + dropped + rejected, and each of them as it had to be."""
    yield Line(ANSWERS, "sent, each with one answer", expected.sent, sum(expected.answered.values()))
    yield Line(ANSWERS, "requests without an answer", 0, expected.unanswered)
    for status in sorted(set(expected.answers) | set(expected.answered)):
        yield Line(ANSWERS, status, expected.answers.get(status, 0), expected.answered.get(status, 0))


def _entry_lines(conn: Connection, expected: Expected) -> Iterable[Line]:
    """Entries of each stream = stored + duplicate + id_conflict + too_late + dead-lettered."""
    totals = ingest_totals(conn)
    yield Line(ENTRIES, "batches not ended", 0, totals.unfinished)
    yield Line(ENTRIES, "lost between API and drain", 0, totals.lost)
    for kind in sorted(set(expected.outcomes) | set(totals.entries)):
        wanted, counted = expected.outcomes.get(kind, {}), totals.outcomes.get(kind, {})
        yield Line(ENTRIES, kind, sum(wanted.values()), totals.entries.get(kind, 0))
        for outcome in sorted(name for name in set(wanted) | set(counted) if wanted.get(name) or counted.get(name)):
            yield Line(ENTRIES, f"{kind}, {outcome}", wanted.get(outcome, 0), counted.get(outcome, 0))
    yield Line(TABLES, "audit.audit_logs, access records", expected.access_records, totals.access_records)


def _table_lines(warehouse: Warehouse, expected: Expected) -> Iterable[Line]:
    """Per table: stored = truth, and no event twice."""
    found = warehouse.query("count_media_figures").to_pylist()[0]
    stored = {kind: outcomes.get("stored", 0) for kind, outcomes in expected.outcomes.items()}
    yield Line(TABLES, "media_events, rows", stored.get("media", 0), found["media_rows"])
    yield Line(TABLES, "media_events, distinct events", stored.get("media", 0), found["media_events"])
    yield Line(TABLES, "error_events, rows", stored.get("errors", 0), found["error_rows"])
    yield Line(TABLES, "error_events, distinct events", stored.get("errors", 0), found["error_events"])
    yield Line(TABLES, "consent_drops, rows", stored.get("drops", 0), found["drop_rows"])
    yield Line(TABLES, "media_sessions, sessions", len(expected.sessions), found["sessions"])
    yield Line(TABLES, "sessions that have events", found["sessions"], found["sessions_with_events"])
    stalls = {row["cause"]: row["stalls"] for row in warehouse.query("count_stalls").to_pylist()}
    for cause in sorted(set(expected.stalls) | set(stalls)):
        yield Line(TABLES, f"media_buffering_events, {cause}", expected.stalls.get(cause, 0), stalls.get(cause, 0))


def _drop_lines(warehouse: Warehouse, expected: Expected) -> Iterable[Line]:
    """Dropped by kind, level and reason."""
    rows = warehouse.query("count_drops").to_pylist()
    found = {(row["kind"], row["consent_level"], row["reason"]): row["drops"] for row in rows}
    for key in sorted(set(expected.drops) | set(found)):
        kind, level, reason = key
        yield Line(DROPS, f"{kind} at level {level}, {reason}", expected.drops.get(key, 0), found.get(key, 0))


def _session_lines(warehouse: Warehouse, expected: Expected) -> Iterable[Line]:
    """Outcomes of sessions, and for every known column the number of sessions in which it is right."""
    rows = warehouse.query("select_session_figures").to_pylist()
    found = {(row["org_id"], row["session_id"]): row for row in rows}
    for outcome in ("completed", "abandoned", "open"):
        wanted = sum(session["outcome"] == outcome for session in expected.sessions.values())
        yield Line(SESSIONS, outcome, wanted, sum(session["outcome"] == outcome for session in found.values()))
    known: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for session, columns in expected.sessions.items():
        known.update(columns.keys())
        wrong.update(_differing(columns, found.get(session)))
    for column in sorted(known):
        yield Line(COLUMNS, f"sessions with the right {column}", known[column], known[column] - wrong[column])


def _differing(wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> list[str]:
    """Columns in which a session is not what it must be; all of them when it is not there."""
    return [column for column, value in wanted.items() if found is None or not _agree(value, found[column])]


def _agree(wanted: Any, found: Any) -> bool:  # noqa: ANN401 - the columns of a table have no common type
    if isinstance(wanted, float) and isinstance(found, float):
        return math.isclose(wanted, found, abs_tol=_TOLERANCE)
    return bool(wanted == found)
