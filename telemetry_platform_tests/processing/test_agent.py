"""User agents become device types and families, and nothing else of them stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.processing.agent import (
    BROWSERS,
    NO_HINTS,
    OTHER,
    SYSTEMS,
    UNKNOWN,
    Device,
    Hints,
    read_hints,
    reduce_agent,
)

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


_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; {}) AppleWebKit/537.36 (KHTML, like Gecko)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        # Telephones and tablets, by the one word that tells them apart, and by their own names.
        (f"{_IPHONE} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1", ("mobile", "Chrome", "iOS")),
        (f"{_IPHONE} EdgiOS/131.0 Version/17.0 Mobile/15E148 Safari/604.1", ("mobile", "Edge", "iOS")),
        (
            f"{_IPHONE.replace('iPhone; CPU iPhone', 'iPad; CPU')} Version/17.5 Mobile/15E148",
            ("tablet", "Safari", "iOS"),
        ),
        ("Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", ("mobile", "Firefox", "Android")),
        ("Mozilla/5.0 (Android 14; Tablet; rv:133.0) Gecko/133.0 Firefox/133.0", ("tablet", "Firefox", "Android")),
        (
            f"{_ANDROID.format('SAMSUNG SM-S921B')} SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
            ("mobile", "Samsung Internet", "Android"),
        ),
        (
            f"{_ANDROID.format('KFMAWI')} Silk/120.4.1 like Chrome/120.0.0.0 Safari/537.36",
            ("tablet", "Silk", "Android"),
        ),
        ("Mozilla/5.0 (Mobile; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", ("mobile", "Firefox", "KaiOS")),
        # A telephone's maker whose name ends in bot.
        (f"{_ANDROID.format('CUBOT NOTE 20')} Chrome/131.0.0.0 Mobile Safari/537.36", ("mobile", "Chrome", "Android")),
        (f"{_ANDROID.format('CUBOT_X18')} Chrome/131.0.0.0 Mobile Safari/537.36", ("mobile", "Chrome", "Android")),
        # Browsers inside apps.
        (f"{_IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/480.0.0.1;FBDV/iPhone15,3]", ("mobile", "Facebook", "iOS")),
        (f"{_IPHONE} Mobile/15E148 Instagram 330.0.0.1 (iPhone15,3; iOS 17_5)", ("mobile", "Instagram", "iOS")),
        (f"{_IPHONE} Mobile/15E148", ("mobile", "Safari", "iOS")),
        (
            f"{_ANDROID.format('Pixel 8 Build/UD1A; wv')} Version/4.0 Chrome/131.0.0.0 Mobile Safari/537.36",
            ("mobile", "Chrome", "Android"),
        ),
        (
            f"{_ANDROID.format('SM-X700 Build/TP1A; wv')} Version/4.0 Chrome/131.0.0.0 Safari/537.36",
            ("tablet", "Chrome", "Android"),
        ),
        # Desks, also those with touch screens.
        (
            "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; Touch; Tablet PC 2.0; rv:11.0) like Gecko",
            ("desktop", "IE", "Windows"),
        ),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_CHROME}", ("desktop", "Chrome", "Chrome OS")),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Edg/131.0.0.0", ("desktop", "Edge", "Windows")),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} OPR/116.0.0.0", ("desktop", "Opera", "Windows")),
        ("Mozilla/5.0 (X11; FreeBSD amd64; rv:133.0) Gecko/20100101 Firefox/133.0", ("desktop", "Firefox", "BSD")),
        # Large screens in living rooms.
        (f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_CHROME} WebAppManager", ("tv", "Chrome", "webOS")),
        (f"{_ANDROID.format('BRAVIA 4K VH2')} Chrome/131.0.0.0 Safari/537.36", ("tv", "Chrome", "Android")),
        (f"{_ANDROID.format('AFTKA')} Silk/120.4.1 like Chrome/120.0.0.0 Safari/537.36", ("tv", "Silk", "Android")),
        (f"Mozilla/5.0 (X11; Linux armv7l) {_CHROME} CrKey/1.56.500000", ("tv", "Chrome", "Chromecast")),
        ("Roku/DVP-12.0 (12.0.0.4182-88)", ("tv", OTHER, "Roku")),
        ("AppleTV11,1/11.1", ("tv", OTHER, "tvOS")),
        ("Mozilla/5.0 (PlayStation; PlayStation 5/6.00) Version/13.0 Safari/605.1.15", ("tv", "Safari", OTHER)),
        # Neither.
        (
            f"Mozilla/5.0 (X11; Linux x86_64; Quest 3) OculusBrowser/35.0 {_CHROME}",
            ("unknown", "Oculus Browser", "Android"),
        ),
        ("Ana Popescu", ("unknown", OTHER, OTHER)),
        ("-", ("unknown", OTHER, OTHER)),
    ],
)
def test_e85_the_whole_kind_of_devices(agent: str, device: tuple[str, str, str]) -> None:
    assert reduce_agent(agent, touch=False) == Device(*device, is_bot=False)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        # The finger that an iPad has and a Mac has not; other systems have screens to touch as well.
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_CHROME}", ("tablet", "Chrome", "iOS")),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}", ("desktop", "Chrome", "Windows")),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME}", ("desktop", "Chrome", "Linux")),
        (f"{_ANDROID.format('Pixel 8')} Chrome/131.0.0.0 Mobile Safari/537.36", ("mobile", "Chrome", "Android")),
        ("", ("unknown", OTHER, OTHER)),
    ],
)
def test_e85_touch_points_tell_ipads_from_macs_and_nothing_else(agent: str, device: tuple[str, str, str]) -> None:
    assert reduce_agent(agent, touch=True) == Device(*device, is_bot=False)


@pytest.mark.parametrize(
    ("agent", "mobile", "platform", "device"),
    [
        ("", b"?1", b'"Android"', ("mobile", OTHER, "Android")),
        ("", b"?0", b'"Android"', ("tablet", OTHER, "Android")),
        ("", b"?0", b'"Windows"', ("desktop", OTHER, "Windows")),
        ("Mozilla/5.0 Chrome/131.0.0.0", b"?0", b'"macOS"', ("desktop", "Chrome", "macOS")),
        # A page for desks was asked for on a telephone.
        (f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME}", b"?1", b'"Linux"', ("mobile", "Chrome", "Linux")),
        # What the agent says of itself stands.
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}", b"?0", b'"Linux"', ("desktop", "Chrome", "Windows")),
        (f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_CHROME}", b"?1", b'"Linux"', ("tv", "Chrome", "webOS")),
        # Not exactly a hint.
        ("", b" ?1", b"Ana Popescu", ("unknown", OTHER, OTHER)),
        ("", b"1", b'"' * 60_000, ("unknown", OTHER, OTHER)),
    ],
)
def test_e85_client_hints_add_what_the_agent_leaves_open(
    agent: str, mobile: bytes, platform: bytes, device: tuple[str, str, str]
) -> None:
    hints = read_hints({b"sec-ch-ua-mobile": [mobile], b"sec-ch-ua-platform": [platform]})
    assert reduce_agent(agent, touch=False, hints=hints) == Device(*device, is_bot=False)


def test_two_hints_of_one_name_are_none() -> None:
    assert read_hints({b"sec-ch-ua-mobile": [b"?1", b"?0"], b"sec-ch-ua-platform": [b"a", b"b"]}) == NO_HINTS
    assert read_hints({}) == NO_HINTS


@pytest.mark.parametrize("agent", ["AnaPopescuBot/1.0", "curl/8.1", "python-httpx/0.28"])
def test_a_bot_is_a_bot_and_its_name_is_not_kept(agent: str) -> None:
    assert reduce_agent(agent, touch=False) == Device("bot", OTHER, OTHER, is_bot=True)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        f"{_ANDROID.format('Nexus 5X')} Chrome/131.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0.0.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
        f"{_ANDROID.format('moto g')} Chrome/131.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse",
        "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        *("python-requests/2.32.3", "curl/8.5.0", "Wget/1.21.4", "Go-http-client/2.0", "okhttp/4.12.0", "Java/17.0.1"),
        *("PostmanRuntime/7.43.0", "axios/1.7.9", "k6/0.54.0 (https://k6.io/)", "node", "Scrapy/2.11"),
    ],
)
@pytest.mark.parametrize("hints", [NO_HINTS, Hints(mobile=True, system="Android")])
def test_bots_and_programs_are_bots_whatever_they_pretend(agent: str, hints: Hints) -> None:
    found = reduce_agent(agent, touch=False, hints=hints)
    assert (found.device_type, found.is_bot) == ("bot", True)


def test_no_agent_is_unknown() -> None:
    for agent in ("", " ", "\t\r\n", "\0", "\x1b[31m", "Ü" * 100, "\u202e" * 100, "\udcff" * 100, "٣٣٣"):
        assert reduce_agent(agent, touch=False) == UNKNOWN


HOSTILE = (
    *(character * 65_536 for character in "A0 ;(/\0\u200fÜ"),
    *("Mozilla/5.0 (" + character * 65_000 for character in "( ;.x"),
    "Mozilla/5.0 " + "a " * 32_000,
    "AppleWebKit/" * 5_000,
    "Opera/9.80 (J2ME/MIDP; Opera Mini/" * 2_000,
    "HbbTV/1.1.1 (" + ";" * 60_000,
    "Mozilla/5.0 (Linux; Android " + "1." * 30_000 + ") " + "Build/" * 1_000,
)


def test_a_hostile_agent_is_cut_before_it_is_looked_at_or_remembered() -> None:
    for agent in HOSTILE:
        short = agent[:512]
        assert reduce_agent(agent, touch=False) == reduce_agent(short, touch=False)
        assert reduce_agent(agent + "curl/8.1", touch=False) == reduce_agent(short, touch=False)


@given(st.text(max_size=600))
def test_families_come_from_closed_lists(agent: str) -> None:
    found = reduce_agent(agent, touch=False)
    assert found.browser_family in {*BROWSERS.values(), OTHER}
    assert found.os_family in {*SYSTEMS.values(), OTHER}
    assert found.device_type in {"desktop", "mobile", "tablet", "tv", "bot", "unknown"}
