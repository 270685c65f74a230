"""The drain on real engines: every entry ends where it belongs, once, and is counted."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import pytest

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.stores import redis
from telemetry_platform.stores.landing_queue import backlog
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform_tests.usecases.heartbeats import SESSION, heartbeats
from telemetry_platform_tests.usecases.landing import (
    STREAMS,
    a_session,
    an_id,
    audit_entry,
    batch_sums,
    count,
    drain_all,
    drop_entry,
    entry,
    error_entry,
    just_now,
    left_behind,
    looking,
    media_entry,
    queue,
    quick,
)

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


def test_every_kind_ends_in_its_table_and_the_counts_add_up(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    events = a_session(1, start)
    queue(
        settings,
        [
            *events,
            *events[:2],
            media_entry(an_id("session", 1), "play", start, events[1].event_id, position_seconds=99.0),
            error_entry(SESSION, start, an_id("error")),
            *(drop_entry(number, start) for number in range(3)),
            audit_entry(1, start),
            audit_entry(1, start),
        ],
    )
    report = drain_all(settings)
    media = report.tables["media_events"]
    assert (media.stored, media.duplicate, media.id_conflict) == (6, 2, 1)
    assert report.tables["media_sessions"].stored == 1
    assert report.tables["error_events"].stored == 1
    assert (report.tables["audit.audit_logs"].stored, report.tables["audit.audit_logs"].duplicate) == (1, 1)
    assert report.drops == {("media", 1, "consent_too_low"): 3}
    assert (report.entries, report.missing) == (15, 0)
    assert report.oldest_undrained_seconds == 0.0
    with looking(settings) as (warehouse, conn):
        assert batch_sums(conn) == {
            "media": (9, 6, 2, 1, 0, 0, 0),
            "errors": (1, 1, 0, 0, 0, 0, 0),
            "drops": (3, 3, 0, 0, 0, 0, 0),
            "audit": (2, 1, 1, 0, 0, 0, 0),
        }
        days = conn.execute("SELECT table_name, day FROM ingest.touched_days").fetchall()
        assert {("media_events", start.date()), ("media_sessions", start.date())} <= set(days)
        assert count(warehouse, "media_events") == (6, 6)
    assert left_behind(settings) == 0


def test_e01_a_session_delivered_in_four_batches_is_one_session_at_once(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    arrivals = [
        media_entry(SESSION, "session_start", start, ttfb_ms=340.0),
        *(
            media_entry(SESSION, "heartbeat", start + timedelta(seconds=10 * beat), buffering_count=beat)
            for beat in (1, 2, 3)
        ),
    ]
    for arrival in arrivals:
        queue(settings, [arrival])
        drain_all(settings)
    with looking(settings) as (warehouse, conn):
        assert batch_sums(conn)["media"] == (4, 4, 0, 0, 0, 0, 0)
        assert conn.execute("SELECT count(*) FROM ingest.batches WHERE kind = 'media'").fetchone() == (4,)
        rows = warehouse.client.query(
            "SELECT count(), avg(last_count) FROM ("
            "SELECT session_id, argMax(buffering_count, fold_version) AS last_count "
            "FROM media_sessions GROUP BY session_id)"
        )
        assert [tuple(row) for row in rows] == [(1, 3.0)]


def test_a_re_send_in_a_later_batch_is_counted_and_not_stored(platform: Settings) -> None:
    settings = quick(platform)
    events = heartbeats(10)
    queue(settings, events)
    drain_all(settings)
    other = media_entry(SESSION, "heartbeat", just_now(), events[9].event_id, position_seconds=1.0)
    queue(settings, [*events[:9], other])
    report = drain_all(settings).tables["media_events"]
    assert (report.stored, report.duplicate, report.id_conflict) == (0, 9, 1)
    with looking(settings) as (warehouse, _):
        assert count(warehouse, "media_events") == (10, 10)


def test_an_event_whose_session_is_optional_is_known_with_and_without_it(platform: Settings) -> None:
    """A batch in which every event names a session asks no less than one in which some do not."""
    settings, at = quick(platform), just_now()
    alone, in_session = error_entry(SESSION, at, an_id("alone")), error_entry(SESSION, at, an_id("in session"))
    stranger = replace(alone, body=orjson.dumps(orjson.loads(alone.body) | {"session_id": None}))
    queue(settings, [stranger, in_session])
    drain_all(settings)
    elsewhere = error_entry(an_id("session", 2), at, in_session.event_id)
    queue(settings, [alone, elsewhere])
    report = drain_all(settings).tables["error_events"]
    assert (report.stored, report.duplicate, report.id_conflict) == (0, 0, 2)
    with looking(settings) as (warehouse, _):
        assert count(warehouse, "error_events") == (2, 2)


def test_an_event_a_day_after_its_sessions_start_is_too_late(platform: Settings) -> None:
    settings, start = quick(platform), just_now() - timedelta(hours=30)
    queue(settings, [media_entry(SESSION, "session_start", start)])
    drain_all(settings)
    queue(
        settings,
        [
            media_entry(SESSION, "play", start + timedelta(hours=24)),
            media_entry(SESSION, "pause", start + timedelta(hours=24, seconds=1)),
            media_entry(an_id("other"), "play", start + timedelta(hours=25)),
        ],
    )
    report = drain_all(settings).tables["media_events"]
    assert (report.stored, report.too_late) == (2, 1)


def test_e36_e39_the_position_lives_in_the_queue_and_not_in_who_reads(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    for number in range(3):
        queue(settings, heartbeats(10 * (number + 1), start))
        with open_stores(settings) as stores:
            # Another holder and run each time, with nothing handed on from the one before.
            drain(stores, settings, holder=f"holder {number}", run_id="the same run", until_idle=True)
    with looking(settings) as (warehouse, conn):
        assert count(warehouse, "media_events") == (30, 30)
        assert batch_sums(conn)["media"] == (60, 30, 30, 0, 0, 0, 0)


def test_e38_200_000_entries_drain_over_several_claims(platform: Settings) -> None:
    settings, start = quick(platform, batch_entries=50_000), just_now() - timedelta(hours=2)
    sessions, events = 2_000, 100
    for first in range(0, sessions, 200):
        queue(
            settings,
            (
                media_entry(an_id(number), "heartbeat", start + timedelta(seconds=beat), position_seconds=1.0 * beat)
                for number in range(first, first + 200)
                for beat in range(events)
            ),
        )
    with redis.connect(settings.redis) as client:
        waiting = backlog(client, STREAMS)
    assert waiting[stream_name("media", 0)].entries == sessions * events
    report = drain_all(settings)
    assert report.tables["media_events"].stored == sessions * events
    assert report.batches >= 4
    with looking(settings) as (warehouse, _):
        assert count(warehouse, "media_events") == (sessions * events, sessions * events)
        folded = warehouse.client.scalar("SELECT uniqExact(session_id) FROM media_sessions")
        assert folded == sessions
    assert left_behind(settings) == 0


def test_a_gap_in_a_producers_numbers_is_seen_and_closes_when_it_is_filled(platform: Settings) -> None:
    settings = quick(platform)
    events = [
        media_entry(SESSION, "heartbeat", just_now(), an_id("beat", number), position_seconds=float(number))
        for number in range(1, 7)
    ]
    numbered = [
        entry("media", each.body, just_now(), each.event_id, producer="api-1", producer_seq=number)
        for number, each in enumerate(events, start=1)
    ]
    queue(settings, [*numbered[:2], *numbered[3:]])
    drain_all(settings)
    with looking(settings) as (_, conn):
        gaps = conn.execute("SELECT producer, first_missing, last_missing FROM ingest.producer_gaps").fetchall()
        assert gaps == [("api-1", 3, 3)]
        queue(settings, [numbered[2]])
        drain_all(settings)
        assert conn.execute("SELECT count(*) FROM ingest.producer_gaps").fetchone() == (0,)
        row = conn.execute("SELECT high_water, gap_since FROM ingest.producer_marks").fetchone()
        assert row == (6, None)


def test_entries_claimed_by_nobody_alive_are_taken_up_while_the_drain_runs(platform: Settings) -> None:
    settings = quick(platform)
    stream = stream_name("media", 0)
    queue(settings, heartbeats(5))
    with redis.connect(settings.redis) as client:
        client.xgroup_create(stream, "drain", id="0")
        client.xreadgroup("drain", "drain", {stream: ">"}, count=3)
    assert drain_all(settings).tables["media_events"].stored == 5


def test_entries_that_vanished_from_an_open_batch_are_counted_as_missing(platform: Settings) -> None:
    settings = quick(platform)
    queue(settings, heartbeats(5))

    def lose_one(point: str) -> None:
        if point == "media.after_open":
            with redis.connect(settings.redis) as client:
                client.xdel(stream_name("media", 0), client.xrange(stream_name("media", 0), count=1)[0][0])
            raise ConnectionError

    with pytest.raises(ConnectionError):
        drain_all(settings, checkpoint=lose_one)
    report = drain_all(settings)
    assert (report.tables["media_events"].stored, report.missing) == (4, 1)


def test_a_stopped_drain_ends_its_batch_and_gives_the_lease_back(platform: Settings) -> None:
    settings = quick(platform, batch_entries=5)
    queue(settings, heartbeats(20))
    stop = threading.Event()

    def stop_at_the_second(point: str) -> None:
        if point == "media.after_fold":
            stop.set()

    with open_stores(settings) as stores:
        report = drain(stores, settings, holder="test", stop=stop, checkpoint=stop_at_the_second)
    assert report.tables["media_events"].stored == 5
    assert report.oldest_undrained_seconds > 0
    assert drain_all(settings).tables["media_events"].stored == 15
