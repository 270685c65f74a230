"""User agents become device types and families, and nothing else of them stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.processing.agent import BROWSERS, OTHER, SYSTEMS, UNKNOWN, Device, reduce_agent

IPAD = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 "
    "Safari/605.1.15"
)


def test_e85_an_ipad_that_says_mac_is_told_by_its_touch_points() -> None:
    assert reduce_agent(IPAD, touch=False) == Device("desktop", "Safari", "macOS", is_bot=False)
    assert reduce_agent(IPAD, touch=True) == Device("tablet", "Safari", "iOS", is_bot=False)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
                "Safari/537.36"
            ),
            ("desktop", "Chrome", "Windows"),
        ),
        (
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
                "Mobile Safari/537.36"
            ),
            ("mobile", "Chrome", "Android"),
        ),
        (
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
                "Safari/537.36"
            ),
            ("tablet", "Chrome", "Android"),
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                "Version/17.5 Mobile/15E148 Safari/604.1"
            ),
            ("mobile", "Safari", "iOS"),
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
            ("desktop", "Firefox", "Linux"),
        ),
        (
            "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/538.1 Version/6.0 TV Safari/538.1",
            ("tv", "Safari", "Tizen"),
        ),
    ],
)
def test_devices(agent: str, device: tuple[str, str, str]) -> None:
    assert reduce_agent(agent, touch=False) == Device(*device, is_bot=False)


@pytest.mark.parametrize("agent", ["AnaPopescuBot/1.0", "curl/8.1", "python-httpx/0.28"])
def test_a_bot_is_a_bot_and_its_name_is_not_kept(agent: str) -> None:
    assert reduce_agent(agent, touch=False) == Device("bot", OTHER, OTHER, is_bot=True)


def test_no_agent_is_unknown() -> None:
    assert reduce_agent("", touch=False) == UNKNOWN


@given(st.text(max_size=600))
def test_families_come_from_closed_lists(agent: str) -> None:
    found = reduce_agent(agent, touch=False)
    assert found.browser_family in {*BROWSERS.values(), OTHER}
    assert found.os_family in {*SYSTEMS.values(), OTHER}
    assert found.device_type in {"desktop", "mobile", "tablet", "tv", "bot", "unknown"}
