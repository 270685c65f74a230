"""What a player in a real browser lived through is what the platform says of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.contracts.verdict import Cause
from telemetry_platform.processing.verdict import judge
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.support.evidence import gather
from telemetry_platform_tests.browser.conftest import SECONDS

if TYPE_CHECKING:
    from telemetry_platform.contracts.verdict import Verdict
    from telemetry_platform_tests.browser.conftest import Player


def verdict(player: Player) -> Verdict:
    with open_warehouse(player.api.settings.clickhouse) as warehouse:
        evidence = gather(warehouse, "clinic-1", player.session_id, now=datetime.now(UTC))
    assert evidence is not None
    return judge(evidence)


def test_a_view_to_its_end(player: Player) -> None:
    player.open()
    player.play()
    player.until("ended")
    player.sent()
    session, stalls, events = player.stored()
    assert session["state"] == "completed"
    assert events[0] == "session_start"
    assert (events[-1], events.count("play"), stalls) == ("session_end", 1, [])
    assert session["milestones"] == [25, 50, 75, 95]
    assert session["total_duration_seconds"] == pytest.approx(SECONDS, abs=0.3)
    assert session["watched_seconds"] == pytest.approx(SECONDS, abs=1.5)
    assert session["startup_ms"] is not None
    assert session["ttfb_ms"] is not None, "the page's own server tells its times"
    assert session["resolution"] == "270p"
    assert (session["device_type"], session["browser_family"], session["is_bot"]) == ("desktop", "Chrome", False)
    assert verdict(player).cause is Cause.FINE


def test_a_stall_in_the_middle_is_counted_and_as_long_as_it_was(player: Player) -> None:
    player.server.hold_at = 500_000
    player.open()
    player.play()
    player.until("waiting", more=1)
    player.page.wait_for_function("() => document.getElementById('video').currentTime > 0.5")
    player.page.wait_for_function("() => window.seen.some(each => each[0] === 'waiting' && each[2] > 0.5)")
    player.page.wait_for_timeout(1500)
    player.server.go.set()
    player.until("ended")
    player.sent()
    lived = player.page.evaluate(
        """() => { const begun = window.seen.findIndex(each => each[0] === 'waiting' && each[2] > 0.5)
                   const on = window.seen.slice(begun).find(each => each[0] === 'playing')
                   return on[1] - window.seen[begun][1] }"""
    )
    session, stalls, _ = player.stored()
    (stall,) = [each for each in stalls if each["cause"] == "rebuffer"]
    assert (session["stall_count"], session["state"]) == (1, "completed")
    assert stall["duration_ms"] == pytest.approx(lived, abs=150)
    assert session["stall_ms"] == pytest.approx(lived, abs=150)
    assert session["buffering_count"] == 1
    assert session["watched_seconds"] == pytest.approx(SECONDS, abs=1.5)


def test_a_jump_is_a_seek_and_its_waiting_no_stall(player: Player) -> None:
    player.server.hold_at = 800_000
    player.open()
    player.play()
    player.page.wait_for_function("() => document.getElementById('video').currentTime > 1")
    # To where nothing has come yet.
    player.page.evaluate("() => { document.getElementById('video').currentTime = 6.5 }")
    player.page.wait_for_function("() => window.seen.some(each => each[0] === 'waiting' && each[2] > 6)")
    player.server.go.set()
    player.until("ended")
    player.sent()
    session, stalls, events = player.stored()
    assert events.count("seek") == 1
    assert (session["stall_count"], session["buffering_count"]) == (0, 0)
    assert {each["cause"] for each in stalls} == {"seek"}
    assert session["completion"] == pytest.approx(1, abs=0.05)
    assert session["watched_seconds"] < SECONDS - 2


def test_a_pause_is_no_stall_and_is_not_watched(player: Player) -> None:
    player.open()
    player.play()
    player.page.wait_for_function("() => document.getElementById('video').currentTime > 1")
    player.page.evaluate("() => document.getElementById('video').pause()")
    player.until("pause")
    player.page.wait_for_timeout(1500)
    player.page.evaluate("() => document.getElementById('video').play()")
    player.until("ended")
    player.sent()
    session, _, events = player.stored()
    assert (events.count("pause") >= 1, events.count("play")) == (True, 2)
    assert session["stall_count"] == 0
    assert session["watched_seconds"] == pytest.approx(SECONDS, abs=1)


@pytest.mark.parametrize("is_broken", [True, False], ids=["broken video", "no such video"])
def test_a_video_that_cannot_be_played_is_a_fatal_error(player: Player, is_broken: bool) -> None:  # noqa: FBT001 - a parameter of a test
    player.server.is_broken = is_broken
    player.server.status = 200 if is_broken else 404
    player.open()
    player.play()
    player.until("error")
    player.sent()
    session, _, events = player.stored()
    assert events == ["session_start", "error"]
    assert (session["fatal_error"], session["error_count"], session["startup_ms"]) == (True, 1, None)
    assert verdict(player).cause in {Cause.PLAYER_ERROR, Cause.SLOW_CDN}


def test_an_api_that_is_away_loses_nothing_and_doubles_nothing(player: Player) -> None:
    refused = []

    def away(route: Any) -> None:  # noqa: ANN401 - the library's own type is not imported here
        refused.append(1)
        route.abort()

    player.page.route("**/v1/media/events", away)
    player.open()
    player.play()
    player.page.wait_for_function("() => document.getElementById('video').currentTime > 1")
    player.page.evaluate("() => window.telemetry.flush()")
    player.page.wait_for_function("() => window.telemetry.state().kept > 0")
    player.until("ended")
    assert refused, "an attempt was made"
    player.page.unroute("**/v1/media/events", away)
    player.sent()
    session, _, events = player.stored()
    assert session["state"] == "completed"
    assert (events.count("session_start"), events.count("play"), events.count("session_end")) == (1, 1, 1)
    assert player.page.evaluate("() => window.telemetry.state().lost") == 0


def test_an_answer_that_is_lost_doubles_nothing(player: Player) -> None:
    """The API takes the events, and the page never hears of it: they go again under the same ids."""
    lost: list[int] = []

    def swallowed(route: Any) -> None:  # noqa: ANN401 - the library's own type is not imported here
        if not lost and route.request.method == "POST":
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    player.page.route("**/v1/media/events", swallowed)
    player.open()
    player.play()
    player.page.wait_for_function("() => document.getElementById('video').currentTime > 1")
    player.page.evaluate("() => window.telemetry.flush()")
    player.until("ended")
    player.sent()
    _, _, events = player.stored()
    assert lost == [202]
    assert (events.count("session_start"), events.count("play"), events.count("session_end")) == (1, 1, 1)


def test_leaving_the_page_tells_that_the_view_was_left(player: Player) -> None:
    player.open()
    player.play()
    player.page.wait_for_function("() => document.getElementById('video').currentTime > 1.5")
    # What leaves with the page may not live through a CORS preflight; a first batch has had it.
    player.sent()
    player.page.goto("about:blank")
    for _ in range(50):
        if any(body["event"] == "session_end" for body in player.api.bodies("media")):
            break
        player.page.wait_for_timeout(100)
    session, _, events = player.stored()
    assert events[-1] == "session_end"
    assert session["state"] == "abandoned"
    assert not session["end_derived"], "it was told, and not derived from silence"


def test_consent_that_is_taken_back_discards_what_is_kept(player: Player) -> None:
    player.open()
    player.page.route("**/v1/**", lambda route: route.abort())
    player.play()
    player.page.wait_for_function("() => document.getElementById('video').currentTime > 1")
    kept = player.page.evaluate(
        """() => { window.telemetry.error(new Error('lost')); const before = window.telemetry.state().kept
                   window.telemetry.setConsent(1); return [before, window.telemetry.state().kept] }"""
    )
    assert kept[0] > 1
    assert kept[1] == 1, "an error report needs level 1, the view's events need 2"


def test_pages_and_errors_arrive(player: Player) -> None:
    player.open()
    player.page.evaluate(
        """() => { window.telemetry.page('/exercises/42?name=ana')
                   window.telemetry.error(new TypeError('x is not 1')) }"""
    )
    player.sent()
    (page,) = player.api.bodies("analytics")
    (error,) = player.api.bodies("errors")
    assert (page["kind"], "ana" in str(page)) == ("page_view", False)
    assert (error["error_code"], error["source"]) == ("TypeError", "app")
