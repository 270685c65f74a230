"""What exactly-once ingest keeps about itself in PostgreSQL: batches, producers' marks, touched days.

Invariants: a batch's entry ids are committed before anything of it reaches a store, and its outcome in the transaction
that ends it. One batch of a stream is open at a time (or the halves of one). Callers own the transaction and hold the
lease in it (`lease.hold`), so that a drain that was overtaken commits nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.rollup_registry import of_base

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class Batch:
    """A batch that is not finished. Rows carry `root_id`: halves of a batch are still the same batch to a replay."""

    stream: str
    batch_id: str
    root_id: str
    kind: str
    state: str
    fencing: int
    entry_ids: tuple[bytes, ...]
    attempts: int = 1
    forgiven: int = 0

    @property
    def charged(self) -> int:
        """Tries that ended for a reason that may lie in the batch itself, the present one included."""
        return self.attempts - self.forgiven


@dataclass(frozen=True)
class Outcome:
    """What became of the events of a batch; `letters` are the entries that hold the dead-lettered ones."""

    stored: int = 0
    duplicate: int = 0
    id_conflict: int = 0
    too_late: int = 0
    erased: int = 0
    dead_lettered: int = 0
    missing: int = 0
    letters: int = 0

    @property
    def events(self) -> int:
        """All of them: one for each entry, or its frames."""
        spared = self.duplicate + self.id_conflict + self.too_late + self.erased
        return self.stored + spared + self.dead_lettered + self.missing


def _joined(entry_ids: Iterable[bytes]) -> str:
    """Ids as one text: an array of 20,000 values would be 20,000 objects on the way."""
    return b" ".join(entry_ids).decode()


def unfinished(conn: Connection, stream: str) -> list[Batch]:
    """Batches that are open or not yet acknowledged, halves before the other half of their batch."""
    rows = conn.execute(
        "SELECT stream, batch_id, root_id, kind, state, fencing, array_to_string(entry_ids, ' '), attempts, forgiven "
        "FROM ingest.batches WHERE stream = %s AND state IN ('open', 'closed') "
        'ORDER BY root_id COLLATE "C", batch_id COLLATE "C"',
        (stream,),
    ).fetchall()
    return [
        Batch(stream_, batch_id, root_id, kind, state, fencing, tuple(ids.encode().split()), attempts, forgiven)
        for stream_, batch_id, root_id, kind, state, fencing, ids, attempts, forgiven in rows
    ]


def open_batch(conn: Connection, batch: Batch, *, run_id: str, now: datetime) -> None:
    """Commit to these entries. Whatever was closed on the stream before has been acknowledged by now."""
    forget_acknowledged(conn, batch.stream)
    conn.execute(
        "INSERT INTO ingest.batches "
        "(stream, batch_id, root_id, kind, fencing, run_id, entries, entry_ids, attempts, forgiven, opened_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, string_to_array(%s, ' '), %s, %s, %s)",
        (
            batch.stream,
            batch.batch_id,
            batch.root_id,
            batch.kind,
            batch.fencing,
            run_id,
            len(batch.entry_ids),
            _joined(batch.entry_ids),
            batch.attempts,
            batch.forgiven,
            now,
        ),
    )


def begin_attempt(conn: Connection, batch: Batch) -> None:
    """Count a try before it begins: one that kills the process must not be forgotten."""
    conn.execute(
        "UPDATE ingest.batches SET attempts = attempts + 1 WHERE stream = %s AND batch_id = %s",
        (batch.stream, batch.batch_id),
    )


def forgive_attempts(conn: Connection, batch: Batch, tries: int) -> None:
    """The tries failed for a reason outside the batch: that says nothing about the entries."""
    conn.execute(
        "UPDATE ingest.batches SET forgiven = forgiven + %s WHERE stream = %s AND batch_id = %s",
        (tries, batch.stream, batch.batch_id),
    )


def split_batch(
    conn: Connection, batch: Batch, halves: tuple[tuple[bytes, ...], tuple[bytes, ...]], *, run_id: str, now: datetime
) -> None:
    """Replace a batch that breaks the worker by two: the one without the culprit will pass."""
    conn.execute(
        "UPDATE ingest.batches SET state = 'split', entry_ids = '{}', closed_at = %s "
        "WHERE stream = %s AND batch_id = %s",
        (now, batch.stream, batch.batch_id),
    )
    for number, entry_ids in enumerate(halves):
        half = Batch(
            batch.stream,
            f"{batch.batch_id}/{number}",
            batch.root_id,
            batch.kind,
            "open",
            batch.fencing,
            entry_ids,
            batch.attempts,
            # The try that found the batch broken too often was never made, and a half is allowed one try of its own.
            batch.forgiven + 2,
        )
        open_batch(conn, half, run_id=run_id, now=now)


def close_batch(
    conn: Connection, batch: Batch, outcome: Outcome, received: tuple[datetime, datetime] | None, *, now: datetime
) -> None:
    """Record what became of the entries; `received` is when the first and the last of them came."""
    first, last = received or (None, None)
    conn.execute(
        "UPDATE ingest.batches SET state = 'closed', closed_at = %s, stored = %s, duplicate = %s, id_conflict = %s, "
        "too_late = %s, erased = %s, dead_lettered = %s, missing = %s, events = %s, letters = %s, "
        "first_received_at = %s, last_received_at = %s "
        "WHERE stream = %s AND batch_id = %s",
        (
            now,
            outcome.stored,
            outcome.duplicate,
            outcome.id_conflict,
            outcome.too_late,
            outcome.erased,
            outcome.dead_lettered,
            outcome.missing,
            outcome.events,
            outcome.letters,
            first,
            last,
            batch.stream,
            batch.batch_id,
        ),
    )


def forget_acknowledged(conn: Connection, stream: str) -> None:
    """The stream holds nothing of its closed batches any more."""
    conn.execute(
        "UPDATE ingest.batches SET state = 'acked', entry_ids = '{}' WHERE stream = %s AND state = 'closed'", (stream,)
    )


def mark_producers(
    conn: Connection, batch: Batch, seen: Mapping[str, Iterable[tuple[int, int]]], *, now: datetime
) -> None:
    """Add the numbers (runs of first and last) that each producer's entries of a batch carry."""
    for producer, runs in seen.items():
        ranges = "{" + ",".join(f"[{first},{last}]" for first, last in runs) + "}"
        conn.execute(
            "INSERT INTO ingest.producer_marks AS mark "
            "(stream, producer, high_water, seen, batch_id, updated_at, gap_since) "
            "SELECT %(stream)s, %(producer)s, upper(seen) - 1, seen, %(batch_id)s, %(now)s, "
            "CASE WHEN seen @> int8range(1, upper(seen)) THEN NULL ELSE %(now)s END "
            "FROM (SELECT %(ranges)s::int8multirange AS seen) AS new "
            "ON CONFLICT (stream, producer) DO UPDATE SET seen = mark.seen + excluded.seen, "
            "high_water = greatest(mark.high_water, excluded.high_water), batch_id = excluded.batch_id, "
            "updated_at = excluded.updated_at, gap_since = CASE "
            "WHEN mark.seen + excluded.seen @> int8range(1, upper(mark.seen + excluded.seen)) THEN NULL "
            "ELSE coalesce(mark.gap_since, excluded.updated_at) END",
            {
                "stream": batch.stream,
                "producer": producer,
                "batch_id": batch.root_id,
                "now": now,
                "ranges": ranges,
            },
        )


def mark_touched_days(conn: Connection, table: str, days: Iterable[date], batch_id: str, *, now: datetime) -> None:
    """Say which days' rollups are out of date. Each touch raises the mark of its row, under the row's lock."""
    followers = [rollup.name for rollup in of_base(table)]
    conn.execute(
        "INSERT INTO ingest.touched_days AS known (table_name, day, batch_id, marked_at, mark, first_marked_at) "
        "SELECT %s, day, %s, %s, 1, %s FROM unnest(%s::date[]) AS day "
        "ON CONFLICT (table_name, day) DO UPDATE SET batch_id = excluded.batch_id, marked_at = excluded.marked_at, "
        "mark = known.mark + 1, first_marked_at = CASE WHEN (SELECT count(*) FROM ingest.rollup_days AS built "
        "WHERE built.rollup = ANY(%s) AND built.day = known.day AND built.mark >= known.mark) = %s "
        "THEN excluded.marked_at ELSE known.first_marked_at END",
        (table, batch_id, now, now, sorted(set(days)), followers, len(followers)),
    )


def open_batches(conn: Connection) -> frozenset[str]:
    """Batches that may have stored rows whose days are not marked yet."""
    rows = conn.execute("SELECT stream || ' ' || batch_id FROM ingest.batches WHERE state = 'open'").fetchall()
    return frozenset(row[0] for row in rows)


def recent(conn: Connection, stream: str, *, entries: int) -> tuple[int, int]:
    """How many of the stream's last `entries` entries (in whole batches) there were, and how many were put aside."""
    row = conn.execute(
        "SELECT coalesce(sum(entries), 0), coalesce(sum(letters), 0) FROM ("
        "SELECT entries, letters, sum(entries) OVER (ORDER BY closed_at DESC, batch_id) - entries AS newer "
        "FROM (SELECT * FROM ingest.batches WHERE stream = %(stream)s AND state IN ('closed', 'acked') "
        "ORDER BY closed_at DESC LIMIT %(entries)s) AS latest) AS counted WHERE newer < %(entries)s",
        {"stream": stream, "entries": entries},
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def family(conn: Connection, batch: Batch) -> tuple[int, int]:
    """How many entries of a split batch have been ended one half at a time, and how many of them were put aside."""
    row = conn.execute(
        "SELECT coalesce(sum(entries), 0), coalesce(sum(letters), 0) FROM ingest.batches "
        "WHERE stream = %s AND root_id = %s AND state IN ('closed', 'acked')",
        (batch.stream, batch.root_id),
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
