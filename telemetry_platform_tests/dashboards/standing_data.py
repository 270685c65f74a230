"""A platform that has something to show on every panel: good days and bad ones, synthetic persons only."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.stores.test_security_append import append as append_security
from telemetry_platform_tests.stores.test_security_append import entry as security_entry
from telemetry_platform_tests.stores.trail import entry as audit_entry
from telemetry_platform_tests.usecases import expiring_records as samples

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform_tests.stores.trail import Trail

ORG = "clinic-1"
_KINDS = ("media", "errors", "api_metrics")


def fill(settings: Settings, trail: Trail, now: datetime) -> None:
    """Everything that the boards read."""
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value(), autocommit=True) as owner:
        _ingest(owner, now)
        _compliance(owner, now)
        _show_today(owner)
    trail.append(*(audit_entry(actor_hash=f"{number}" * 64) for number in range(6)))
    append_security(trail, *(security_entry(severity=severity) for severity in ("low", "medium", "high")))
    with open_warehouse(settings.clickhouse, log_comment="tests") as warehouse:
        for statement in _WAREHOUSE:
            warehouse.client.command(statement)


def _show_today(owner: Connection) -> None:
    """The trail's counts leave today out, and its rows are written today: let the view be read tomorrow."""
    (text,) = owner.execute("SELECT pg_get_viewdef('audit.counts_by_day'::regclass)").fetchall()[0]
    assert text.count("clock_timestamp()") == 1
    shifted = text.replace("clock_timestamp()", "clock_timestamp() + interval '1 day'")
    owner.execute(f"CREATE OR REPLACE VIEW audit.counts_by_day AS {shifted}".encode())


def _ingest(owner: Connection, now: datetime) -> None:
    for hours in range(6):
        for kind in _KINDS:
            ended = now - timedelta(hours=hours)
            owner.execute(
                "INSERT INTO ingest.batches (stream, batch_id, root_id, kind, state, fencing, entries, entry_ids, "
                "opened_at, closed_at, first_received_at, last_received_at, stored, duplicate, events) "
                "VALUES (%s, %s, 'b', %s, 'acked', 1, 100, '{}', %s, %s, %s, %s, 95, 5, 100)",
                (
                    f"telemetry:landing:{kind}:0",
                    str(uuid4()),
                    kind,
                    ended - timedelta(seconds=1),
                    ended,
                    ended - timedelta(seconds=30 + hours),
                    ended - timedelta(seconds=2),
                ),
            )
    owner.execute(
        "INSERT INTO ingest.batches (stream, batch_id, root_id, kind, state, fencing, entries, entry_ids, "
        "attempts, opened_at) "
        "VALUES ('telemetry:landing:media:0', 'open', 'open', 'media', 'open', 1, 3, '{1-0}', 3, %s)",
        (now - timedelta(minutes=20),),
    )
    owner.execute(
        "INSERT INTO ingest.producer_marks VALUES "
        "('telemetry:landing:media:0', 'api-1', 10, '{[1,4),[6,11)}', 'b', %s, %s)",
        (now, now - timedelta(hours=2)),
    )
    owner.execute(
        "INSERT INTO audit.intake_gaps (origin, place, producer, first_missing, last_missing, missing, noticed_at) "
        "VALUES ('service', 'audit', 'worker-1', 5, 9, '{[5,7),[8,10)}', %s)",
        (now - timedelta(hours=1),),
    )
    owner.execute(
        "INSERT INTO ingest.touched_days VALUES ('media_sessions', %s, 'b', %s, 5, %s)",
        (now.date(), now, now - timedelta(hours=3)),
    )
    owner.execute(
        "INSERT INTO ingest.rollup_days VALUES ('video_health_hourly', %s, 4, 100, %s, 250, 'run'), "
        "('media_health_hourly', %s, 5, 100, %s, 400, 'run')",
        (now.date(), now - timedelta(hours=2), now.date(), now - timedelta(hours=2)),
    )
    for _ in range(3):
        samples.letter(owner, now - timedelta(hours=2))


def _compliance(owner: Connection, now: datetime) -> None:
    for table, status, dropped in (("media_events", "done", 400), ("api_metrics", "stalled", 0)):
        owner.execute("SELECT privacy.record_retention_run(%s::jsonb)", (_run(table, status, dropped, now),))
    owner.execute(
        "INSERT INTO audit.verifications (verified_at, mode, from_seq, to_seq, rows, anchors, checkpoints, "
        "resumptions, ok, first_bad_seq, reason) "
        "VALUES (%s, 'full', 1, 4, 4, 0, 1, 0, false, 3, 'the hash of the row')",
        (now - timedelta(hours=3),),
    )
    samples.verification(owner, now - timedelta(hours=1))
    for status in ("requested", "certified", "held"):
        samples.erasure(owner, now - timedelta(hours=5), status)
    owner.execute(
        "UPDATE privacy.erasures SET certified_at = requested_at + interval '2 hours' WHERE status = 'certified'"
    )
    samples.hold(owner, None)
    samples.sync(owner, now - timedelta(hours=4))
    for _ in range(7):
        samples.subject(owner, now)
    owner.execute("UPDATE privacy.subjects SET level = 3 WHERE ctid = (SELECT min(ctid) FROM privacy.subjects)")


def _run(table: str, status: str, dropped: int, now: datetime) -> str:
    began = (now - timedelta(minutes=1)).isoformat()
    given = {
        "run_id": str(uuid4()),
        "table_name": table,
        "store": "clickhouse",
        "policy": "a year",
        "began_at": began,
        "cut_off": began,
        "dry_run": False,
        "rows_before": 1000,
        "rows_after": 1000 - dropped,
        "expired_before": 400,
        "expired_after": 400 - dropped,
        "partitions_dropped": 0,
        "rows_dropped": dropped,
        "rows_held": 0,
        "status": status,
    }
    return json.dumps(given)


_WAREHOUSE = (
    """
    INSERT INTO consent_drops
    SELECT
        generateUUIDv4(), now64(3) - toIntervalMinute(number), now64(3), 'clinic-1', 1, 'batch',
        ['media', 'errors'][number % 2 + 1], '', ['consent_too_low', 'excluded_network'][number % 2 + 1]
    FROM numbers(20)
    """,
    """
    INSERT INTO api_metrics
        (event_id, occurred_at, client_at, received_at, ingested_at, org_id, batch_id, method, route, status_code,
         duration_ms)
    SELECT
        generateUUIDv4(), at, at, at, at, 'clinic-1', 'batch', 'GET', '/v1/plans', if(number % 10 = 0, 503, 200), 20
    FROM (SELECT number, now64(3) - toIntervalMinute(number % 30) AS at FROM numbers(100))
    """,
    """
    INSERT INTO api_health_hourly
        (org_id, hour, method, route, requests, client_errors, server_errors, duration_ms_sum, duration_ms_histogram,
         request_bytes_sum, response_bytes_sum, built_at)
    SELECT
        'clinic-1', toStartOfHour(now64(3)) - toIntervalHour(number % 5), 'GET',
        ['/v1/plans', '/v1/media'][number % 2 + 1],
        count(), 1, 1, sum(ms), sumForEach(histogram_of(ms)), 100, 1000, now64(3)
    FROM (SELECT number, toFloat64(20 + number) AS ms FROM numbers(100))
    GROUP BY number % 5, number % 2
    """,
    """
    INSERT INTO video_health_hourly
        (org_id, hour, dimension, value, sessions, completed, abandoned, fatal_sessions, stalled_sessions, stall_count,
         completion_count, completion_sum, ttfb_ms_count, ttfb_ms_sum, ttfb_ms_histogram, load_ms_count, load_ms_sum,
         load_ms_histogram, startup_ms_count, startup_ms_sum, startup_ms_histogram, few_actors, built_at)
    SELECT
        'clinic-1', toStartOfDay(now64(3), 'UTC') - toIntervalHour(24 * number + 1), pair.1, pair.2, 40, 30, 6, 1, 8,
        20, 40, 32, 40, 12000, sumForEach(histogram_of(300 + ms)), 40, 60000, sumForEach(histogram_of(1500 + ms)), 40,
        80000, sumForEach(histogram_of(2000 + ms)), arrayMap(actor -> bitShiftLeft(toUInt64(1), 48) + actor, range(5)),
        now64(3)
    FROM
    (
        SELECT
            number % 2 AS number, toFloat64(intDiv(number, 2)) AS ms,
            arrayJoin([('all', ''), ('country_code', 'DE'), ('country_code', 'RO'), ('device_type', 'tv')]) AS pair
        FROM numbers(80)
    )
    GROUP BY number, pair
    """,
    """
    INSERT INTO media_health_hourly
        (org_id, media_id, hour, dimension, value, sessions, completion_count, completion_sum, ttfb_ms_count,
         ttfb_ms_sum, ttfb_ms_histogram, few_actors, built_at)
    SELECT
        org_id, 'b7', hour, dimension, value, sessions, completion_count, completion_sum, ttfb_ms_count, ttfb_ms_sum,
        ttfb_ms_histogram, few_actors, built_at
    FROM video_health_hourly
    """,
    """
    INSERT INTO stalls_hourly
        (org_id, hour, dimension, value, cause, stalls, duration_ms_sum, duration_ms_histogram, few_actors, built_at)
    SELECT org_id, hour, dimension, value, 'rebuffer', 20, 9000, ttfb_ms_histogram, few_actors, built_at
    FROM video_health_hourly
    """,
    """
    INSERT INTO errors_hourly
        (org_id, hour, source, fingerprint, error_code, errors, fatal, sessions, first_seen, last_seen, few_actors,
         built_at)
    SELECT org_id, hour, 'video', 'f00d', 'MEDIA_ERR_NETWORK', 12, 2, 10, hour, hour, few_actors, built_at
    FROM video_health_hourly
    WHERE dimension = 'all'
    """,
)
