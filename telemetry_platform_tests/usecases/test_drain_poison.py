"""What cannot be stored: put aside with its reason when it is one entry, refused loudly when it is most of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.errors import UnreadyStoreError
from telemetry_platform.stores import dead_letters, postgres, redis
from telemetry_platform.stores.landing_queue import LandingQueue
from telemetry_platform.usecases.drain.desk import TooManyInvalidError
from telemetry_platform.usecases.replay_dead_letters import replay
from telemetry_platform_tests.usecases.heartbeats import SESSION, heartbeats
from telemetry_platform_tests.usecases.landing import (
    an_id,
    audit_entry,
    count,
    drain_all,
    entry,
    error_entry,
    just_now,
    left_behind,
    looking,
    media_body,
    media_entry,
    queue,
    quick,
)

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


def test_e18_one_poison_entry_of_100_is_put_aside_and_replayed_after_the_fix(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    events = heartbeats(100)
    wrong = media_body(SESSION, "heartbeat", start, position_seconds="abc", error_message="ana@example.com fell")
    events[37] = entry("media", wrong, start, an_id("beat", 37))
    queue(settings, events)
    report = drain_all(settings).tables["media_events"]
    assert (report.stored, report.dead_lettered) == (99, 1)
    assert left_behind(settings) == 0
    with looking(settings) as (warehouse, conn):
        (letter,) = dead_letters.waiting(conn, limit=10)
        assert (letter.reason, letter.attempts) == ("invalid_field", 1)
        assert letter.detail == "position_seconds, error_message"
        assert letter.event_id == an_id("beat", 37)
        assert '"abc"' in letter.body
        assert "ana@example.com" not in letter.body
        landing = LandingQueue(redis.connect(settings.redis))
        mended = letter.body.replace('"abc"', "37.0")
        assert replay(conn, landing, [letter.id], shards=1, now=start, body=mended).queued == 1
        assert replay(conn, landing, [letter.id], shards=1, now=start, body=mended).skipped == 1
        landing.close()
        again = drain_all(settings).tables["media_events"]
        assert (again.stored, again.duplicate, again.dead_lettered) == (1, 0, 0)
        assert count(warehouse, "media_events") == (100, 100)
        assert not dead_letters.waiting(conn, limit=10)


@pytest.mark.parametrize("store", ["clickhouse", "postgres"])
def test_e19_an_entry_that_breaks_its_store_every_time_is_put_aside_after_five_tries(
    platform: Settings, store: str
) -> None:
    settings, start = quick(platform), just_now()
    if store == "clickhouse":
        # A store that refuses one row refuses its whole block: nothing before it can know.
        with looking(settings) as (warehouse, _):
            warehouse.client.command("ALTER TABLE media_events ADD CONSTRAINT poison CHECK media_type != 'poison'")
        events = heartbeats(60)
        events[41] = media_entry(SESSION, "heartbeat", start, an_id("beat", 41), media_type="poison")
        table, poison = "media_events", events[41].event_id
    else:
        assert settings.postgres.owner_url is not None
        with postgres.connect(settings.postgres.owner_url.get_secret_value(), autocommit=True) as owner:
            owner.execute("ALTER TABLE audit.audit_logs ADD CONSTRAINT poison CHECK (path <> '/poison')")
        events = [audit_entry(number, start) for number in range(60)]
        body = events[41].body.replace(b"/v1/media/events", b"/poison")
        events[41] = entry("audit", body, start, events[41].event_id)
        table, poison = "audit.audit_logs", events[41].event_id
    queue(settings, events)
    report = drain_all(settings).tables[table]
    assert (report.stored, report.duplicate, report.dead_lettered) == (59, 0, 1)
    with looking(settings) as (_, conn):
        (letter,) = dead_letters.waiting(conn, limit=10)
        assert (letter.reason, letter.attempts, letter.event_id) == ("processing_failed", 5, poison)
    assert left_behind(settings) == 0


def test_a_store_that_refuses_everything_stops_the_run_and_the_queue_keeps_it(platform: Settings) -> None:
    settings = quick(platform, batch_entries=30, max_attempts=2)
    with looking(settings) as (warehouse, _):
        warehouse.client.command("ALTER TABLE media_events ADD CONSTRAINT nothing CHECK media_type = 'other'")
    queue(settings, heartbeats(60))
    with pytest.raises(TooManyInvalidError):
        drain_all(settings)
    with looking(settings) as (warehouse, conn):
        letters = dead_letters.waiting_ids(conn)
        assert len(letters) <= 20
        warehouse.client.command("ALTER TABLE media_events DROP CONSTRAINT nothing")
        landing = LandingQueue(redis.connect(settings.redis))
        replay(conn, landing, letters, shards=1, now=just_now())
        landing.close()
        drain_all(settings)
        assert count(warehouse, "media_events") == (60, 60)


def test_a_missing_table_stops_the_run_and_puts_nothing_aside(platform: Settings) -> None:
    settings = quick(platform)
    queue(settings, heartbeats(3))
    with looking(settings) as (warehouse, conn):
        warehouse.client.command("RENAME TABLE media_events TO elsewhere")
        with pytest.raises(UnreadyStoreError):
            drain_all(settings)
        assert not dead_letters.waiting_ids(conn)
        assert conn.execute("SELECT attempts, forgiven FROM ingest.batches").fetchall() == [(1, 1)]
        warehouse.client.command("RENAME TABLE elsewhere TO media_events")
        assert drain_all(settings).tables["media_events"].stored == 3


@pytest.mark.parametrize("batch_entries", [1, 100])
def test_when_most_is_invalid_the_run_stops_without_acknowledging(platform: Settings, batch_entries: int) -> None:
    settings, start = quick(platform, batch_entries=batch_entries), just_now()
    queue(settings, [entry("media", b"{}", start, an_id("beat", beat)) for beat in range(40)])
    with pytest.raises(TooManyInvalidError):
        drain_all(settings)
    with looking(settings) as (_, conn):
        aside = len(dead_letters.waiting_ids(conn))
    assert aside == (0 if batch_entries == 100 else 19)
    with redis.connect(settings.redis) as client:
        assert client.xlen(stream_name("media", 0)) == 40 - aside


def test_strangers_cannot_stop_a_run_by_what_they_send(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    nobody: dict[str, object] = {"actor_hash": "", "key_epoch": 0, "org_id": "anonymous"}
    queue(settings, [entry("errors", b"{}", start, an_id("bad", number), **nobody) for number in range(40)])
    queue(settings, [error_entry(SESSION, start, an_id("good"))])
    report = drain_all(settings).tables["error_events"]
    assert (report.stored, report.dead_lettered) == (1, 40)
    queue(settings, [entry("errors", b"{}", start, an_id("worse", number)) for number in range(40)])
    with pytest.raises(TooManyInvalidError):
        drain_all(settings)
