"""One row of each table that no event lands in, as old as a test wants it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from psycopg.types.json import Jsonb

from telemetry_platform_tests.usecases.erased_person import ORG

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.stores.postgres import Connection

HASH = "ab" * 32


def erasure(conn: Connection, at: datetime, status: str = "certified") -> str:
    erasure_id = str(uuid4())
    certified = (at, Jsonb({})) if status == "certified" else (None, None)
    conn.execute(
        "INSERT INTO privacy.erasures (erasure_id, org_id, status, requested_at, erased_at, certified_at, certificate) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (erasure_id, ORG, status, at, at, *certified),
    )
    conn.execute(
        "INSERT INTO privacy.erasures_by_table (erasure_id, table_name) VALUES (%s, 'media_events')", (erasure_id,)
    )
    return erasure_id


def tombstone(conn: Connection, at: datetime, status: str = "certified") -> None:
    erasure_id = erasure(conn, datetime.now(UTC), status)
    conn.execute(
        "INSERT INTO privacy.tombstones VALUES (%s, %s, %s, 1, %s, %s, %s)",
        (erasure_id, ORG, HASH, HASH, at - timedelta(days=40), at),
    )


def letter(conn: Connection, at: datetime, actor: str = HASH) -> None:
    conn.execute(
        "INSERT INTO privacy.dead_letters (kind, stream, entry_id, batch_id, event_id, received_at, org_id, "
        "actor_hash, key_epoch, consent_level, reason, attempts, body, created_at, failed_at) "
        "VALUES ('media', 's', %s, 'b', '', %s, %s, %s, 1, 2, 'schema', 1, '{}', %s, %s)",
        (str(uuid4()), at, ORG, actor, at, at),
    )


def batch(conn: Connection, at: datetime, state: str = "acked") -> None:
    conn.execute(
        "INSERT INTO ingest.batches (stream, batch_id, root_id, kind, state, fencing, entries, entry_ids, opened_at, "
        "closed_at, stored, events) VALUES ('s', %s, 'b', 'media', %s, 1, 1, '{}', %s, %s, 1, 1)",
        (str(uuid4()), state, at, at),
    )


def subject(conn: Connection, at: datetime, subject: str | None = None) -> None:
    conn.execute(
        "INSERT INTO privacy.subjects (org_id, subject_hash, level, decided_at, changed_at, last_used_on) "
        "VALUES (%s, %s, 2, %s, %s, %s)",
        (ORG, subject or uuid4().hex * 2, at, at, at.date()),
    )


def hold(conn: Connection, at: datetime | None, subject: str = "cd" * 32) -> str:
    hold_id = str(uuid4())
    conn.execute(
        "INSERT INTO privacy.legal_holds (hold_id, org_id, subject_hash, placed_at, released_at, why, released_why) "
        "VALUES (%s, %s, %s, '2000-01-01', %s, 'a dispute', %s)",
        (hold_id, ORG, subject, at, "it ended" if at else None),
    )
    return hold_id


def exclusion(conn: Connection, at: datetime | None) -> None:
    conn.execute(
        "INSERT INTO privacy.privacy_exclusions (exclusion_type, network, listed_at, listed_by, withdrawn_at, "
        "withdrawn_by) VALUES ('ccpa_do_not_sell', '198.51.100.0/24', '2000-01-01', 1, %s, %s)",
        (at, 2 if at else None),
    )


def sync(conn: Connection, at: datetime) -> None:
    conn.execute(
        "INSERT INTO privacy.privacy_exclusion_sync_log (mode, status, began_at, ended_at, accept_shrink) "
        "VALUES ('full', 'succeeded', %s, %s, false)",
        (at, at),
    )


def mark(conn: Connection, at: datetime) -> None:
    conn.execute("INSERT INTO ingest.producer_marks VALUES ('s', %s, 1, '{[1,1]}', 'b', %s)", (str(uuid4()), at))


def intake_mark(conn: Connection, at: datetime) -> None:
    conn.execute("INSERT INTO audit.intake_marks VALUES ('api', 's', %s, 1, '{[1,1]}', %s)", (str(uuid4()), at))


def intake_gap(conn: Connection, at: datetime) -> None:
    conn.execute(
        "INSERT INTO audit.intake_gaps (origin, place, producer, first_missing, last_missing, missing, noticed_at, "
        "closed_at) VALUES ('api', 's', 'p', 1, 1, '{}', %s, %s)",
        (at, at),
    )


def verification(conn: Connection, at: datetime) -> None:
    conn.execute(
        "INSERT INTO audit.verifications (verified_at, mode, from_seq, to_seq, rows, anchors, checkpoints, "
        "resumptions, ok) VALUES (%s, 'full', 1, 1, 1, 0, 0, 0, true)",
        (at,),
    )


SAMPLES: dict[str, Callable[[Connection, datetime], object]] = {
    "audit.intake_gaps": intake_gap,
    "audit.intake_marks": intake_mark,
    "audit.verifications": verification,
    "ingest.batches": batch,
    "ingest.producer_marks": mark,
    "privacy.dead_letters": letter,
    "privacy.erasures": erasure,
    "privacy.legal_holds": hold,
    "privacy.privacy_exclusion_sync_log": sync,
    "privacy.privacy_exclusions": exclusion,
    "privacy.subjects": subject,
    "privacy.tombstones": tombstone,
}
