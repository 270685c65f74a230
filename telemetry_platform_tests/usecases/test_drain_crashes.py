"""A drain that is killed anywhere: the next one ends with every event once, and nothing stays behind.

Real processes, SIGKILL, real engines. Two batches are queued for each stream, so that a crash also lies between two.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.errors import LeaseLostError
from telemetry_platform.stores import lease as leases
from telemetry_platform.stores import postgres
from telemetry_platform_tests.usecases.crashing_drain import crash
from telemetry_platform_tests.usecases.landing import (
    a_session,
    audit_entry,
    batch_sums,
    count,
    drain_all,
    just_now,
    left_behind,
    looking,
    queue,
    quick,
)

if TYPE_CHECKING:
    from telemetry_platform.contracts.landing import LandingEntry
    from telemetry_platform.settings import Settings

SESSIONS, AUDITS = 10, 30
MEDIA_POINTS = (
    "after_claim",
    "after_open",
    "after_decode",
    "after_clickhouse_insert",
    "between_tables",
    "after_fold",
    "before_commit",
    "after_postgres",
    "before_ack",
    "after_ack",
)
AUDIT_POINTS = (
    "after_claim",
    "after_open",
    "after_decode",
    "before_commit",
    "after_postgres",
    "before_ack",
    "after_ack",
)
POINTS = (*(f"media.{point}" for point in MEDIA_POINTS), *(f"audit.{point}" for point in AUDIT_POINTS))
"""Every second one is reached in the first batch of its stream, the others in the second."""


def a_day() -> list[LandingEntry]:
    """Sessions, some of whose events were sent twice, and access records."""
    start = just_now()
    events = [event for number in range(SESSIONS) for event in a_session(number, start)]
    return [*events, *events[5:15], *(audit_entry(number, start) for number in range(AUDITS))]


def everything_is_there_once(settings: Settings) -> None:
    events = SESSIONS * 6
    with looking(settings) as (warehouse, conn):
        assert count(warehouse, "media_events") == (events, events)
        sessions = warehouse.client.query(
            "SELECT uniqExact(session_id), sum(event_count), countIf(state = 'completed') FROM media_sessions FINAL"
        )
        assert [tuple(row) for row in sessions] == [(SESSIONS, events, SESSIONS)]
        unfinished = conn.execute("SELECT count(*) FROM ingest.batches WHERE state = 'open'").fetchone()
        assert unfinished == (0,)
        assert batch_sums(conn) == {
            "media": (events + 10, events, 10, 0, 0, 0, 0),
            "audit": (AUDITS, AUDITS, 0, 0, 0, 0, 0),
        }
    with postgres.connect(
        settings.postgres.owner_url.get_secret_value() if settings.postgres.owner_url else ""
    ) as owner:
        row = owner.execute("SELECT count(*), count(DISTINCT event_id), max(seq) FROM audit.audit_logs").fetchone()
        assert row == (AUDITS, AUDITS, AUDITS)
    assert left_behind(settings) == 0


@pytest.mark.parametrize("number", range(len(POINTS)), ids=POINTS)
def test_a_drain_that_is_killed_anywhere_loses_and_doubles_nothing(platform: Settings, number: int) -> None:
    point, times = POINTS[number], 1 + number % 2
    settings = quick(platform, batch_entries=40 if point.startswith("media") else 20)
    queue(settings, a_day())
    crash(settings, point, times)
    drain_all(settings)
    everything_is_there_once(settings)


def test_a_drain_that_is_killed_again_and_again_gets_there(platform: Settings) -> None:
    settings = quick(platform, batch_entries=40)
    queue(settings, a_day())
    for point in (
        "after_clickhouse_insert",
        "after_clickhouse_insert",
        "between_tables",
        "before_commit",
        "before_ack",
    ):
        crash(settings, f"media.{point}")
    drain_all(settings)
    everything_is_there_once(settings)


def test_e16_a_drain_that_is_killed_after_claiming_100_of_1000_loses_none(platform: Settings) -> None:
    settings = quick(platform, batch_entries=100)
    start = just_now()
    events = [event for number in range(200) for event in a_session(number, start, heartbeats=2)]
    queue(settings, events)
    crash(settings, "media.after_claim")
    assert left_behind(settings) > len(events)
    drain_all(settings)
    with looking(settings) as (warehouse, _):
        assert count(warehouse, "media_events") == (1_000, 1_000)
    assert left_behind(settings) == 0


def test_e19_a_batch_that_kills_the_process_again_and_again_is_cut_in_halves_and_stored(platform: Settings) -> None:
    settings = quick(platform, batch_entries=100, max_attempts=2)
    queue(settings, a_day())
    for _ in range(4):
        crash(settings, "media.after_decode")
    with looking(settings) as (_, conn):
        cut = conn.execute("SELECT kind, count(*) FROM ingest.batches WHERE state = 'split' GROUP BY kind").fetchall()
        # The audit batch that was under way at the first crash was tried alone, and is not suspected any more.
        assert cut == [("media", 2)]
    drain_all(settings)
    everything_is_there_once(settings)


def test_an_overtaken_drain_commits_and_acknowledges_nothing(platform: Settings) -> None:
    settings = quick(platform)
    queue(settings, a_day())
    overtaken = threading.Event()

    def overtake(point: str) -> None:
        if point == "media.after_clickhouse_insert" and not overtaken.is_set():
            overtaken.set()
            with postgres.connect(settings.postgres, autocommit=True) as conn:
                conn.execute("UPDATE ingest.leases SET expires_at = clock_timestamp()")
                taken = leases.acquire(conn, leases.DRAIN, holder="another", run_id="", seconds=0.1)
                assert taken is not None

    with pytest.raises(LeaseLostError):
        drain_all(settings, checkpoint=overtake)
    with looking(settings) as (_, conn):
        assert conn.execute("SELECT state, stored FROM ingest.batches WHERE kind = 'media'").fetchall() == [("open", 0)]
    assert left_behind(settings) > 0
    drain_all(settings)
    everything_is_there_once(settings)


def test_two_drains_at_once_and_one_gets_the_lease(platform: Settings) -> None:
    settings = quick(platform)
    queue(settings, a_session(1, just_now()))
    refused: list[str] = []

    def a_second_one(point: str) -> None:
        if point == "media.after_open":
            with postgres.connect(settings.postgres, autocommit=True) as conn:
                held = leases.current(conn, leases.DRAIN)
            assert held is not None
            assert held.holder == "test"
            with pytest.raises(LeaseLostError) as caught:
                drain_all(settings)
            refused.append(str(caught.value))

    report = drain_all(settings, checkpoint=a_second_one)
    assert len(refused) == 1
    assert "another drain holds the lease" in refused[0]
    assert report.tables["media_events"].stored == 6
    with looking(settings) as (_, conn):
        assert leases.current(conn, leases.DRAIN) is None
