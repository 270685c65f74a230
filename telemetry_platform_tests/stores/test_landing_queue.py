"""The queue as the drain sees it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.contracts.landing import FIELDS, stream_name
from telemetry_platform.stores import redis
from telemetry_platform.stores.landing_queue import LandingQueue, backlog
from telemetry_platform_tests.usecases.landing import an_id, just_now, media_entry
from telemetry_platform_tests.usecases.landing import queue as add

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings

STREAM, OTHER = stream_name("media", 0), stream_name("audit", 0)
LARGE = 1 << 30


@pytest.fixture
def landing(platform: Settings) -> Iterator[LandingQueue]:
    queue = LandingQueue(redis.connect(platform.redis))
    for stream in (STREAM, OTHER):
        queue.ensure_group(stream)
        queue.ensure_group(stream)
    yield queue
    queue.close()


def fill(settings: Settings, number: int) -> None:
    add(
        settings,
        [media_entry(an_id("s"), "play", just_now(), an_id(n), position_seconds=float(n)) for n in range(number)],
    )


def test_entries_come_as_columns_in_their_order(platform: Settings, landing: LandingQueue) -> None:
    fill(platform, 5)
    found = landing.read_new([STREAM, OTHER], count=10, max_bytes=LARGE, block_ms=None)
    assert list(found) == [STREAM]
    assert set(found[STREAM].columns) == set(FIELDS)
    assert found[STREAM].columns["event_id"] == [an_id(n).encode() for n in range(5)]
    assert landing.read_new([STREAM], count=10, max_bytes=LARGE, block_ms=None) == {}


def test_fields_in_another_order_and_missing_ones_are_understood(platform: Settings, landing: LandingQueue) -> None:
    whole = asdict(media_entry(an_id("s"), "play", just_now(), an_id(1)))
    with redis.connect(platform.redis) as client:
        client.xadd(STREAM, whole)
        client.xadd(STREAM, dict(reversed(whole.items())))
        client.xadd(STREAM, {"body": b"{}", "odd": b"1"})
    entries = landing.read_new([STREAM], count=10, max_bytes=LARGE, block_ms=None)[STREAM]
    assert entries.columns["event_id"] == [an_id(1).encode(), an_id(1).encode(), b""]
    assert entries.columns["v"] == [b"1", b"1", b""]
    assert entries.columns["body"][2] == b"{}"


@pytest.mark.parametrize(("count", "max_bytes", "expected"), [(4_500, LARGE, 4_500), (10_000, 1, 200), (3, LARGE, 3)])
def test_a_claim_is_bounded_in_entries_and_bytes(
    platform: Settings, landing: LandingQueue, count: int, max_bytes: int, expected: int
) -> None:
    fill(platform, 5_000)
    found = landing.read_new([STREAM], count=count, max_bytes=max_bytes, block_ms=None)
    assert len(found[STREAM]) == expected
    more = landing.top_up(STREAM, found[STREAM], count=5_000, max_bytes=LARGE)
    assert more.columns["event_id"] == [an_id(n).encode() for n in range(5_000)]


def test_claimed_entries_are_pending_until_they_are_acknowledged(platform: Settings, landing: LandingQueue) -> None:
    fill(platform, 4_100)
    claimed = landing.read_new([STREAM], count=10_000, max_bytes=LARGE, block_ms=None)[STREAM]
    landing.acknowledge(STREAM, claimed.ids[:2])
    with redis.connect(platform.redis) as client:
        client.xdel(STREAM, claimed.ids[2])
    pending, gone = landing.read_pending(STREAM)
    assert pending.ids == claimed.ids[3:]
    assert gone == [claimed.ids[2]]
    assert landing.read_ids(STREAM, claimed.ids[:5]).ids == claimed.ids[3:5]
    landing.acknowledge(STREAM, [*gone, *pending.ids])
    assert landing.length(STREAM) == 0
    assert not len(landing.read_pending(STREAM)[0])


def test_a_server_that_was_emptied_gets_its_group_again(platform: Settings, landing: LandingQueue) -> None:
    with redis.connect(platform.redis) as client:
        client.delete(STREAM)
    fill(platform, 3)
    assert len(landing.read_new([STREAM], count=10, max_bytes=LARGE, block_ms=None)[STREAM]) == 3


def test_the_backlog_counts_and_takes_nothing(platform: Settings, landing: LandingQueue) -> None:
    fill(platform, 3)
    with redis.connect(platform.redis) as client:
        client.xadd(OTHER, {"body": b""}, id="1-0")
        waiting = backlog(client, [STREAM, OTHER, stream_name("drops", 0)])
    assert [waiting[stream].entries for stream in waiting] == [3, 1, 0]
    assert waiting[OTHER].oldest_age_seconds > 365 * 86_400
    assert waiting[stream_name("drops", 0)].oldest_age_seconds == 0.0
    assert len(landing.read_new([STREAM], count=10, max_bytes=LARGE, block_ms=None)[STREAM]) == 3
