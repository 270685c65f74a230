"""Pose frames on real engines: an entry holds many rows; every frame ends where it belongs, once, and is counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from telemetry_platform.contracts.payloads.pose import LANDMARKS
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.frames import PACK, pack
from telemetry_platform.stores import dead_letters, redis
from telemetry_platform.stores.landing_queue import LandingQueue
from telemetry_platform.usecases.replay_dead_letters import replay
from telemetry_platform_tests.usecases.landing import (
    an_id,
    batch_sums,
    count,
    drain_all,
    just_now,
    looking,
    queue,
    quick,
)
from telemetry_platform_tests.usecases.moving import points_of, pose_entry

if TYPE_CHECKING:
    from telemetry_platform.settings import ClickHouseSettings, Settings
    from telemetry_platform.stores.warehouse import Warehouse

KIND = kinds()["pose"]
TABLE = KIND.table.name
SESSIONS, FRAMES = 12, 120
_ONE_JOINT = (
    "SELECT frame_no, left_knee_x, left_knee_y, left_knee_z, left_knee_visibility FROM pose_tracking_frames "
    "WHERE session_id = {session:UUID} AND org_id = 'clinic-1' ORDER BY frame_no"
)
_EVERYTHING = "SELECT * FROM pose_tracking_frames"


def test_frames_are_stored_once_however_they_are_sent_and_all_are_counted(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    session, movement = an_id("pose", "one"), points_of(1, 40)
    queue(settings, [pose_entry(session, start, range(start_at, start_at + 20), movement) for start_at in (0, 10)])
    first = drain_all(settings).tables[TABLE]
    assert (first.stored, first.duplicate) == (30, 10)
    queue(
        settings,
        [
            pose_entry(session, start, range(20, 40), points_of(2, 40)),
            pose_entry(session, start, range(5), movement, org_id="clinic-2"),
            pose_entry(session, start, range(8), movement, session_id="no id"),
        ],
    )
    report = drain_all(settings)
    second = report.tables[TABLE]
    assert (second.stored, second.id_conflict, second.dead_lettered) == (10 + 5, 10, 8)
    assert (report.entries, report.batches) == (3, 1)
    with looking(settings) as (warehouse, conn):
        assert batch_sums(conn)["pose"] == (5, 45, 10, 10, 0, 8, 0)
        assert conn.execute("SELECT sum(events), sum(letters) FROM ingest.batches").fetchone() == (73, 1)
        assert [points[0] for points in _read(warehouse, session, 24, 26)] == [24, 25]
        # The first copy of a frame is the one that stays.
        assert float(_read(warehouse, session, 25, 26)[0][1]) == pytest.approx(_knee(movement, 25), abs=0.51e-4)
        (letter,) = dead_letters.waiting(conn, limit=10)
        assert (letter.kind, letter.reason, letter.detail) == ("pose", "invalid_field", "session_id")
        landing = LandingQueue(redis.connect(settings.redis))
        mended = json.dumps(json.loads(letter.body) | {"session_id": an_id("pose", "mended")})
        assert replay(conn, landing, [letter.id], shards=1, now=start, body=mended).queued == 1
        landing.close()
        assert drain_all(settings).tables[TABLE].stored == 8
        assert count(warehouse, TABLE)[0] == 53


def test_a_pack_that_was_tampered_with_is_a_dead_letter_and_its_stream_goes_on(platform: Settings) -> None:
    settings, start, movement = quick(platform), just_now(), points_of(4, 20)
    spoilt = pack(movement[:10])[:-1] + "="
    sessions = [an_id("pose", "tampered", number) for number in range(3)]
    queue(
        settings,
        [
            pose_entry(sessions[0], start, range(10), movement),
            pose_entry(sessions[1], start, range(10), movement, **{PACK: spoilt}),
            pose_entry(sessions[2], start, range(10), movement),
        ],
    )
    counts = drain_all(settings).tables[TABLE]
    assert (counts.stored, counts.dead_lettered) == (20, 10)
    with looking(settings) as (_, conn):
        (letter,) = dead_letters.waiting(conn, limit=10)
        assert (letter.reason, json.loads(letter.body)[PACK]) == ("invalid_field", "[frames]")


def test_a_batch_that_breaks_the_worker_is_cut_between_sessions_and_counted_right(platform: Settings) -> None:
    settings, start, movement = quick(platform, max_attempts=1), just_now(), points_of(3, 40)
    sessions = [an_id("pose", number) for number in range(4)]
    queue(
        settings,
        [pose_entry(session, start, range(at, at + 20), movement) for at in (0, 10) for session in sessions],
    )
    left = 1

    def break_once(point: str) -> None:
        """After the rows are in the table: the halves then find all of theirs there."""
        nonlocal left
        if point == "pose.after_clickhouse_insert" and left:
            left -= 1
            raise ArithmeticError(point)

    counts = drain_all(settings, checkpoint=break_once).tables[TABLE]
    assert (counts.stored, counts.duplicate, counts.dead_lettered) == (4 * 30, 4 * 10, 0)
    with looking(settings) as (warehouse, conn):
        assert count(warehouse, TABLE) == (120, 120)
        assert conn.execute("SELECT count(*) FROM ingest.batches WHERE state = 'split'").fetchone() == (1,)


def test_one_joint_of_one_session_is_read_without_the_rest_and_batches_stay_small(platform: Settings) -> None:
    settings, start = quick(platform, batch_bytes=200_000), just_now()
    sessions = [an_id("pose", "many", number) for number in range(SESSIONS)]
    queue(
        settings,
        [
            pose_entry(session, start, range(FRAMES), points_of(10 + number, FRAMES))
            for number, session in enumerate(sessions)
        ],
    )
    report = drain_all(settings)
    assert report.tables[TABLE].stored == SESSIONS * FRAMES
    # Of 88 KB each, three entries reach the limit.
    assert report.batches == SESSIONS / 3
    with looking(settings) as (warehouse, _):
        warehouse.client.command("OPTIMIZE TABLE pose_tracking_frames FINAL")
        joint = _read_bytes(settings.clickhouse, _ONE_JOINT, param_session=sessions[5])
        everything = _read_bytes(settings.clickhouse, _EVERYTHING)
    assert 0 < joint < everything / 10


def _read(warehouse: Warehouse, session: str, first: int, end: int) -> list[Any]:
    return list(
        warehouse.client.query(
            "SELECT frame_no, left_knee_x FROM pose_tracking_frames WHERE session_id = {session:UUID} "
            "AND org_id = 'clinic-1' AND frame_no >= {first:UInt32} AND frame_no < {end:UInt32} ORDER BY frame_no",
            {"session": session, "first": first, "end": end},
        )
    )


def _knee(movement: Any, frame: int) -> float:  # noqa: ANN401 - an array of no interest to the type checker
    return float(movement[frame, LANDMARKS.index("left_knee"), 0])


def _read_bytes(settings: ClickHouseSettings, query: str, **parameters: str) -> int:
    """How many bytes the server says that it read for a query."""
    answer = httpx.post(
        settings.url,
        params={"query": f"{query} FORMAT Null", "database": settings.database, "wait_end_of_query": "1", **parameters},
        headers={"X-ClickHouse-User": settings.user, "X-ClickHouse-Key": settings.password.get_secret_value()},
        timeout=60,
    )
    answer.raise_for_status()
    return int(json.loads(answer.headers["X-ClickHouse-Summary"])["read_bytes"])
