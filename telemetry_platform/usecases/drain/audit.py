"""The audit worker's part: a batch into the trail or the security events, in the transaction that ends the batch.

Invariants: rows, the trail's head, what detection found in the rows and the end of the batch commit together; there is
no moment at which one is there without the others, so a crash needs no second look. Each table has a function of its
own as the one way into it. Detection costs no entry: what it cannot do is said, and the batch is stored without it.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from telemetry_platform.contracts.events import audit, security
from telemetry_platform.errors import PermanentError, QueueFullError
from telemetry_platform.processing.enrich import add_drain_columns
from telemetry_platform.stores import audit_log, redis, security_log
from telemetry_platform.stores.detection_windows import DetectionWindows
from telemetry_platform.stores.ingest_ledger import Outcome
from telemetry_platform.usecases.detect import detect
from telemetry_platform.usecases.drain.closing import close
from telemetry_platform.usecases.drain.judging import decode_and_judge

if TYPE_CHECKING:
    from telemetry_platform.usecases.drain.desk import Desk, Work

_log = logging.getLogger(__name__)
_INTO = {audit.LOGS.name: audit_log.append, security.EVENTS.name: security_log.append}


def store(desk: Desk, work: Work) -> None:
    """Append a batch to its table and end it. Raises PermanentError for a table that nothing can be appended to."""
    into = _INTO.get(work.kind.table.name)
    if into is None:
        raise PermanentError(f"nothing appends to {work.kind.table.name}: write its function and name it here")
    decoded = decode_and_judge(desk, work)
    desk.checkpoint(f"{work.kind.name}.after_decode")
    rows = add_drain_columns(
        work.kind.table,
        decoded.rows,
        place_of=desk.stores.geo.place_of,
        now=desk.now(),
        batch_id=work.batch.root_id,
    )
    entries = _as_json(rows)
    detections = _detections(desk, work, rows)
    desk.checkpoint(f"{work.kind.name}.after_detection")
    stream, batch_id, fencing = work.batch.stream, work.batch.batch_id, desk.held.fencing
    detected = 0

    def append() -> Outcome:
        nonlocal detected
        taken = into(desk.conn, entries, stream=stream, batch_id=batch_id, fencing=fencing)
        if detections:
            # No outcome of an entry: those that are told again are found to be there already.
            told = orjson.dumps(detections)
            detected = security_log.append(desk.conn, told, stream=stream, batch_id=batch_id, fencing=fencing).stored
        return Outcome(
            stored=taken.stored,
            duplicate=taken.duplicate,
            id_conflict=taken.id_conflict,
            erased=decoded.erased,
            dead_lettered=decoded.dead_events,
            letters=len(decoded.dead),
            missing=work.missing,
        )

    close(desk, work, decoded.dead, append, {})
    desk.tally.detected += detected


def _detections(desk: Desk, work: Work, rows: pa.Table) -> list[dict[str, Any]]:
    """What the rules find in the rows. Raises TransientError while Redis does not answer: the batch waits for it."""
    settings = desk.stores.settings.redis
    try:
        with redis.connect(settings) as client:
            return detect(work.kind, rows, DetectionWindows(client, settings, secrets.token_bytes))
    except (QueueFullError, PermanentError) as error:
        # The trail must go on, and draining it is what makes room: attacks are looked for again in the next batch.
        _log.error("batch %s is stored without detection: %s", work.batch.batch_id, error)
        return []


def _as_json(rows: pa.Table) -> bytes:
    """Rows as the functions take them: times in milliseconds. One entry per view, so an object per row is no volume."""
    moments = [name for name in rows.schema.names if pa.types.is_timestamp(rows.schema.field(name).type)]
    for name in moments:
        rows = rows.set_column(rows.schema.get_field_index(name), name, rows[name].cast(pa.int64()))
    return orjson.dumps(rows.to_pylist())
