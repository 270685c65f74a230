"""`audit.append` and `audit.verify`: rows per second into the trail, and through its verification.

Appending takes a batch of entries as the drain hands it over: it locks the head, looks every id up, numbers the rows,
computes the chain, writes row, index and details. The floor inserts the same entries, one batch a statement, into a
plain table of the same columns and indexes. Verifying computes every hash of what was appended anew, from rows that
PostgreSQL streams; the floor is SHA-256 over the same bytes in memory. Invariant: both of a pair see the same rows in
the same run.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from bench.figures import Figure, note
from telemetry_platform.contracts.audit_chain import BEGINNING
from telemetry_platform.processing.chain_walk import ChainRow, walk
from telemetry_platform.stores import audit_log, lease, postgres, trail_chain
from telemetry_platform.usecases.checkpoint_trail import read_url

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

BATCHES, BATCH_ROWS, ROUNDS = 20, 1_000, 3
VERIFY_ROUNDS = 3
_FLOOR = """
    INSERT INTO plain_trail (
        seq, event_id, occurred_at, recorded_at, actor_hash, key_epoch, actor_type, org_id, action, resource_type,
        resource_id_hash, method, path, status_code, outcome, ip_truncated, country_code, region, device_type,
        prev_hash, row_hash
    )
    SELECT
        %(first)s + row_number() OVER (), e.event_id, 'epoch'::timestamptz + e.occurred_at * interval '1 millisecond',
        clock_timestamp(), e.actor_hash, e.key_epoch, e.actor_type, e.org_id, e.action, e.resource_type,
        e.resource_id_hash, e.method, e.path, e.status_code, e.outcome, e.ip_truncated, e.country_code, e.region,
        e.device_type, repeat('0', 64), repeat('0', 64)
    FROM jsonb_to_recordset(%(entries)s::jsonb) AS e (
        event_id uuid, occurred_at bigint, actor_hash text, key_epoch integer, actor_type text, org_id text, action
        text, resource_type text, resource_id_hash text, method text, path text, status_code integer, outcome text,
        ip_truncated text, country_code text, region text, device_type text
    )
"""


def measure(settings: Settings) -> list[Figure]:
    """Both pairs; the median of the rounds each."""
    appended: list[float] = []
    inserted: list[float] = []
    with (
        postgres.connect(settings.postgres, application="bench", autocommit=True) as conn,
        _plain_table(settings) as floor,
    ):
        held = lease.acquire(conn, lease.DRAIN, holder="bench", run_id="", seconds=600)
        if held is None:
            raise ValueError("a drain is at work on the engines of the bench")
        for turn in range(ROUNDS):
            batches = [_batch(turn * BATCHES + number) for number in range(BATCHES)]
            appended.append(_append(conn, batches, turn, held.fencing))
            inserted.append(_insert(floor, batches, turn))
            note(f"audit: append {appended[-1]:,.0f} rows/s, plain insert {inserted[-1]:,.0f} rows/s")
        floor.execute("DROP TABLE plain_trail")
        floor.commit()
        lease.release(conn, held)
    return [
        Figure("audit.append", statistics.median(appended), "rows/s", statistics.median(inserted)),
        _verified(settings),
    ]


def _append(conn: Connection, batches: list[bytes], turn: int, fencing: int) -> float:
    began = time.perf_counter()
    stored = 0
    for number, batch in enumerate(batches):
        with conn.transaction():
            name = f"bench-{turn}-{number}"
            stored += audit_log.append(conn, batch, stream="bench", batch_id=name, fencing=fencing).stored
    if stored != BATCHES * BATCH_ROWS:
        raise ValueError(f"{BATCHES * BATCH_ROWS} entries were given, {stored} stored: nothing to compare")
    return stored / (time.perf_counter() - began)


def _insert(floor: Connection, batches: list[bytes], turn: int) -> float:
    began = time.perf_counter()
    for number, batch in enumerate(batches):
        first = (turn * BATCHES + number) * BATCH_ROWS
        floor.execute(_FLOOR, {"first": first, "entries": batch.decode()})
        floor.commit()
    return BATCHES * BATCH_ROWS / (time.perf_counter() - began)


def _verified(settings: Settings) -> Figure:
    """Rows per second of a whole walk, and of SHA-256 over the bytes that it hashes."""
    speeds: list[float] = []
    floors: list[float] = []
    for _ in range(VERIFY_ROUNDS):
        with trail_chain.snapshot(read_url(settings)) as conn:
            head = trail_chain.head(conn)
            began = time.perf_counter()
            walked = walk(
                (ChainRow(*row) for row in trail_chain.rows_between(conn)), {}, (), start=BEGINNING, head=head
            )
            speeds.append(walked.rows / (time.perf_counter() - began))
            if walked.fault is not None:
                raise ValueError(f"the trail is not whole at {walked.fault.seq}: nothing to compare")
            forms = [row.prev_hash.encode() + row.form for row in trail_chain.rows_between(conn)]
        began = time.perf_counter()
        for form in forms:
            sha256(form).hexdigest()
        floors.append(len(forms) / (time.perf_counter() - began))
        note(f"audit: verify {speeds[-1]:,.0f} rows/s, SHA-256 of the same bytes {floors[-1]:,.0f} rows/s")
    return Figure("audit.verify", statistics.median(speeds), "rows/s", statistics.median(floors))


def _plain_table(settings: Settings) -> Connection:
    """The owner's connection, and a table of the same columns and indexes without a trigger and a partition."""
    assert settings.postgres.owner_url is not None
    owner = postgres.connect(settings.postgres.owner_url.get_secret_value(), application="bench")
    owner.execute("SET search_path = public, pg_catalog")
    owner.execute("DROP TABLE IF EXISTS plain_trail")
    # No temporary one: those write no log, and would be no floor.
    owner.execute("CREATE TABLE plain_trail (LIKE audit.audit_logs INCLUDING ALL)")
    owner.commit()
    return owner


def _batch(number: int) -> bytes:
    """Access records of as many views."""
    now = round(datetime.now(UTC).timestamp() * 1000)
    return orjson.dumps(
        [
            {
                "event_id": str(UUID(int=(0xBE << 120) + number * BATCH_ROWS + place)),
                "occurred_at": now,
                "actor_hash": sha256(b"%d" % (place % 97)).hexdigest(),
                "key_epoch": 1,
                "actor_type": "patient",
                "org_id": f"clinic-{place % 20}",
                "action": "media.view",
                "resource_type": "media",
                "resource_id_hash": sha256(b"media %d" % (place % 131)).hexdigest(),
                "method": "POST",
                "path": "/v1/media/events",
                "status_code": 202,
                "outcome": "success",
                "ip_truncated": f"192.0.{place % 200}.0",
                "country_code": "RO",
                "region": "B",
                "device_type": "mobile",
            }
            for place in range(BATCH_ROWS)
        ]
    )
