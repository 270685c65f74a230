"""The player's own count agrees with what it was told to do."""

from __future__ import annotations

from telemetry_platform.simulate.catalogue import Medium
from telemetry_platform.simulate.player import Player


def _player(seconds: int = 100) -> Player:
    player = Player(Medium("knee-squat-2", seconds), rendition=2)
    player.start({"ttfb_ms": 340.0})
    return player


def test_a_view_from_start_to_end() -> None:
    player = _player()
    player.wait_for_first_frame(1_500, stall_ms=0)
    player.play_to(100_000)
    player.end("completed")
    lived = player.finish()
    assert [event.event for event in player.events].count("heartbeat") == 10
    assert (lived.state, lived.watched_seconds, lived.completion, lived.startup_ms) == ("completed", 100.0, 1.0, 1500.0)
    assert lived.milestones == (25, 50, 75, 95)
    assert player.now_ms == 101_500


def test_stalls_take_time_but_are_not_watched() -> None:
    player = _player()
    player.wait_for_first_frame(1_000, stall_ms=400)
    player.play_to(20_000)
    player.stall(2_500, cdn_ms=900.0)
    player.play_to(30_000)
    player.end("abandoned")
    lived = player.finish()
    assert (lived.stalls, lived.stall_ms, lived.startup_stalls) == (1, 2500.0, 1)
    assert (lived.watched_seconds, lived.completion) == (30.0, 0.3)
    assert player.now_ms == 1_000 + 30_000 + 2_500


def test_a_seek_makes_its_own_stall_and_skips_milestones() -> None:
    player = _player()
    player.wait_for_first_frame(500, stall_ms=0)
    player.play_to(20_000)
    player.seek(60_000, stall_ms=350)
    player.play_to(70_000)
    lived = player.finish()
    assert (lived.stalls, lived.seek_stalls, lived.seek_stall_ms) == (0, 1, 350.0)
    assert lived.milestones == ()
    assert lived.completion == 0.7


def test_a_pause_takes_time_and_ends_heartbeats() -> None:
    player = _player()
    player.wait_for_first_frame(500, stall_ms=0)
    player.play_to(5_000)
    player.pause(60_000)
    player.play_to(8_000)
    player.end("abandoned")
    assert [event.event for event in player.events] == ["session_start", "play", "pause", "play", "session_end"]
    assert player.finish().watched_seconds == 8.0


def test_who_leaves_before_the_first_frame_watched_nothing() -> None:
    player = _player()
    player.now_ms += 900
    player.end("abandoned")
    lived = player.finish()
    assert (lived.watched_seconds, lived.startup_ms, lived.completion) == (0.0, None, 0.0)


def test_who_vanishes_leaves_the_end_open() -> None:
    player = _player()
    player.wait_for_first_frame(500, stall_ms=0)
    player.play_to(12_000)
    lived = player.finish()
    assert (lived.state, lived.watched_seconds) == ("open", None)
