"""The user-agent string reduced to a device type and families from closed lists; the string itself is never kept.

Invariant: no word of the string survives. A parser makes families out of whatever a client sends
(`AnaPopescuBot`), so what is not in the lists below is `other`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from ua_parser import parse

_LONGEST = 512
_CACHED = 4096
OTHER = "other"

BROWSERS = {
    "Chrome": "Chrome",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Chromium": "Chrome",
    "HeadlessChrome": "Chrome",
    "Firefox": "Firefox",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Safari": "Safari",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Edge": "Edge",
    "Edge Mobile": "Edge",
    "Opera": "Opera",
    "Opera Mobile": "Opera",
    "Opera Mini": "Opera",
    "Opera Touch": "Opera",
    "Samsung Internet": "Samsung Internet",
    "IE": "IE",
    "IE Mobile": "IE",
    "Amazon Silk": "Silk",
    "Android": "Android Browser",
    "UC Browser": "UC Browser",
    "MiuiBrowser": "Miui Browser",
    "Huawei Browser": "Huawei Browser",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Vivaldi": "Vivaldi",
    "YandexBrowser": "Yandex",
    "Yandex Browser": "Yandex",
}
"""What the parser says, and the family that is stored."""
SYSTEMS = {
    "Windows": "Windows",
    "Windows Phone": "Windows Phone",
    "Mac OS X": "macOS",
    "iOS": "iOS",
    "Android": "Android",
    "Linux": "Linux",
    "Ubuntu": "Linux",
    "Debian": "Linux",
    "Fedora": "Linux",
    "Chrome OS": "Chrome OS",
    "Tizen": "Tizen",
    "webOS": "webOS",
    "Web0S": "webOS",
    "WebTV": "webOS",
    "tvOS": "tvOS",
    "ATV OS X": "tvOS",
    "Chromecast": "Chromecast",
    "Chromecast Android": "Chromecast",
    "Roku": "Roku",
    "HarmonyOS": "HarmonyOS",
    "KaiOS": "KaiOS",
}

_BOT = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|headless|curl/|wget/|python|aiohttp|httpx|go-http|java/|okhttp|libwww|scrapy|phantom"
    r"|lighthouse|monitor|uptime|preview",
    re.IGNORECASE,
)
_TV = re.compile(r"smart-?tv|appletv|apple tv|googletv|hbbtv|bravia|web0s|\baft[a-z]|crkey|roku|\btv\b", re.IGNORECASE)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook", re.IGNORECASE)
_MOBILE = re.compile(r"iphone|ipod|mobile|windows phone|opera mini", re.IGNORECASE)
_DESKTOP = {"Windows", "macOS", "Linux", "Chrome OS"}


class Device(NamedTuple):
    """What is kept of a user agent; device_type is desktop, mobile, tablet, tv, bot or unknown."""

    device_type: str
    browser_family: str
    os_family: str
    is_bot: bool


UNKNOWN = Device("unknown", OTHER, OTHER, is_bot=False)


@lru_cache(maxsize=_CACHED)
def reduce_agent(user_agent: str, *, touch: bool) -> Device:
    """The device behind a user agent; `touch`: the browser says that it has more than one touch point."""
    text = user_agent[:_LONGEST]
    if not text.strip():
        return UNKNOWN
    found = parse(text)
    browser = BROWSERS.get(found.user_agent.family, OTHER) if found.user_agent else OTHER
    system = SYSTEMS.get(found.os.family, OTHER) if found.os else OTHER
    is_bot = _BOT.search(text) is not None or (found.device is not None and found.device.family == "Spider")
    if is_bot:
        return Device("bot", browser, system, is_bot=True)
    if touch and system == "macOS":
        # An iPad presents itself as a Mac; no Mac has a touch screen.
        return Device("tablet", browser, "iOS", is_bot=False)
    return Device(_device_type(text, system), browser, system, is_bot=False)


def _device_type(text: str, system: str) -> str:
    if _TV.search(text):
        return "tv"
    if _TABLET.search(text) or (system == "Android" and "Mobile" not in text):
        return "tablet"
    if _MOBILE.search(text):
        return "mobile"
    return "desktop" if system in _DESKTOP else "unknown"
