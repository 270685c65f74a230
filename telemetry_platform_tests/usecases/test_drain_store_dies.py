"""ClickHouse is killed while a drain inserts: the drain waits for it, and every event is stored once.

A server of its own, since the session's one serves other tests. The moments are a seeded choice among the points
around the inserts and some milliseconds into the one that comes next, so that the server also dies inside it.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from telemetry_platform.embedded.clickhouse.process import ClickHouseProcess, start_clickhouse
from telemetry_platform.usecases.apply_schema import apply_schema
from telemetry_platform_tests.usecases.landing import (
    a_session,
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
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from telemetry_platform.settings import Settings

SESSIONS, KILLS = 400, 6


class Mortal:
    """A ClickHouse server that can be killed and comes back at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = self._start(0)

    def _start(self, port: int) -> ClickHouseProcess:
        return start_clickhouse(self._folder / "data", port, "secret", self._folder / "clickhouse.log")

    def die_and_come_back(self, wait: float) -> None:
        """SIGKILL after a moment, then a new start."""
        time.sleep(wait)
        port = self.server.port
        self.server.kill()
        self.server = self._start(port)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Mortal]:
    it = Mortal(tmp_path)
    yield it
    it.server.stop()


@pytest.fixture
def own_warehouse(make_platform: Callable[[], Settings], mortal: Mortal) -> Settings:
    """A fresh platform, but for its warehouse, which is the mortal server."""
    given = make_platform()
    clickhouse = given.clickhouse.model_copy(
        update={"url": mortal.server.url, "user": "telemetry", "password": SecretStr("secret")}
    )
    settings = given.model_copy(update={"clickhouse": clickhouse})
    apply_schema(settings, just_now())
    return settings


def test_a_warehouse_that_is_killed_during_inserts_loses_and_doubles_nothing(
    own_warehouse: Settings, mortal: Mortal
) -> None:
    settings, start = quick(own_warehouse, batch_entries=300), just_now()
    events = [event for number in range(SESSIONS) for event in a_session(number, start)]
    queue(settings, [*events, *events[100:150]])
    chance = random.Random(7)  # noqa: S311 - a seed, so that every run kills at the same points
    points = ("media.after_decode", "media.after_clickhouse_insert", "media.between_tables")
    killers: list[threading.Thread] = []

    def now_and_then(point: str) -> None:
        if point in points and len(killers) < KILLS and chance.random() < 0.5:
            if killers:
                killers[-1].join()
            killer = threading.Thread(target=mortal.die_and_come_back, args=(chance.uniform(0, 0.08),))
            killers.append(killer)
            killer.start()

    drain_all(settings, checkpoint=now_and_then)
    for killer in killers:
        killer.join()
    assert len(killers) == KILLS
    with looking(settings) as (warehouse, conn):
        assert count(warehouse, "media_events") == (len(events), len(events))
        assert batch_sums(conn)["media"] == (len(events) + 50, len(events), 50, 0, 0, 0, 0)
        rows = warehouse.client.query(
            "SELECT uniqExact(session_id), sum(event_count), countIf(state = 'completed') FROM media_sessions FINAL"
        )
        assert [tuple(row) for row in rows] == [(SESSIONS, len(events), SESSIONS)]
    assert left_behind(settings) == 0
