"""The evidence on sessions, as the real engine gathers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from telemetry_platform.contracts.verdict import Cause
from telemetry_platform.processing.verdict import judge
from telemetry_platform.usecases.support.evidence import ENOUGH_PEERS, gather, verdicts_of
from telemetry_platform_tests.usecases.media_log import CLINIC, clock, event, store_and_fold

if TYPE_CHECKING:
    from uuid import UUID

    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform_tests.usecases.media_log import Event


def _view(session_id: UUID, at: float, cdn_ms: float) -> list[Event]:
    start: dict[str, Any] = {
        "total_duration_seconds": 60.0,
        "ttfb_ms": cdn_ms + 60,
        "cdn_response_time_ms": cdn_ms,
        "rtt_ms": 20.0,
    }
    start |= {"video_load_time_ms": 2 * cdn_ms + 500, "connection_type": "wifi", "effective_bandwidth": 10.0}
    return [
        event(session_id, "session_start", at, **start),
        event(session_id, "play", at + 3, position_seconds=0.0),
        event(session_id, "buffering_start", at + 10, position_seconds=7.0, cdn_response_time_ms=cdn_ms + 100),
        event(session_id, "buffering_end", at + 12, position_seconds=7.0),
        event(session_id, "heartbeat", at + 20, position_seconds=15.0, current_bitrate=1_000_000, dropped_frames=3),
        event(session_id, "session_end", at + 65, position_seconds=60.0, reason="completed"),
    ]


def test_a_session_is_judged_beside_its_peers(warehouse: Warehouse) -> None:
    slow, peers = uuid4(), [uuid4() for _ in range(ENOUGH_PEERS + 1)]
    store_and_fold(warehouse, [one for n, peer in enumerate(peers) for one in _view(peer, n, 40.0)])
    store_and_fold(warehouse, _view(slow, 500, 2500.0))

    found = gather(warehouse, CLINIC, slow, now=clock(1_000))
    assert found is not None
    assert (found.cdn_ms, found.stall_count, found.stall_ms, found.bandwidth_mbit) == (2550.0, 1, 2000.0, 10.0)
    known = found.peers["cdn_ms"]
    assert (known.n, known.median, known.what) == (ENOUGH_PEERS + 1, 40.0, "same country and connection")
    verdict = judge(found)
    assert verdict.cause is Cause.SLOW_CDN
    assert "2,550 ms" in verdict.reasons[0]

    several = verdicts_of(warehouse, CLINIC, [slow, peers[0], uuid4()])
    assert several.keys() == {str(slow), str(peers[0])}
    assert several[str(slow)] == verdict
    assert gather(warehouse, "clinic-2", slow, now=clock(1_000)) is None
