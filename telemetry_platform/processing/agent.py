"""The user-agent string reduced to a device type and families from closed lists; the string itself is never kept.

Invariants: no word of the string survives: a parser makes families out of whatever a client sends (`AnaPopescuBot`), so
what is not in the lists below is `other`. Whatever the string is, it is cut before it is looked at or remembered, and
every pattern here takes linear time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ua_parser import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    "Brave": "Brave",
    "Oculus Browser": "Oculus Browser",
    # Browsers inside other apps, whose players fail in ways of their own.
    "Facebook": "Facebook",
    "Instagram": "Instagram",
    "Google": "Google",
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
    "Chromecast Linux": "Chromecast",
    "FreeBSD": "BSD",
    "OpenBSD": "BSD",
    "NetBSD": "BSD",
    "Roku": "Roku",
    "HarmonyOS": "HarmonyOS",
    "KaiOS": "KaiOS",
}

_HINTED_SYSTEMS = {
    "Android": "Android",
    "Chrome OS": "Chrome OS",
    "Chromium OS": "Chrome OS",
    "iOS": "iOS",
    "Linux": "Linux",
    "macOS": "macOS",
    "Windows": "Windows",
}
"""What Sec-CH-UA-Platform says, and the family that is stored."""

# Cubot makes telephones.
_BOT = re.compile(
    r"(?<!cu)bot(?:\b|[/_-])|crawl|spider|slurp|headless|curl/|wget/|python|aiohttp|httpx|go-http|java/|okhttp|libwww|scrapy"
    r"|phantom|lighthouse|monitor|uptime|preview|externalhit|whatsapp/|postman|insomnia/|axios/|node-fetch|undici|^node\b"
    r"|^k6/|jmeter|gatling|apachebench",
    re.IGNORECASE,
)
_TV = re.compile(
    r"smart-?tv|appletv|apple tv|googletv|hbbtv|netcast|bravia|web0s|\baft[a-z]|crkey|roku|\btv\b|playstation|\bxbox\b",
    re.IGNORECASE,
)
# `Tablet PC` is what Windows says on every laptop with a touch screen.
_TABLET = re.compile(r"ipad|tablet(?! pc)|kindle|silk/|playbook", re.IGNORECASE)
_MOBILE = re.compile(r"iphone|ipod|mobile|windows phone|opera mini", re.IGNORECASE)
_HEADSET = re.compile(r"oculusbrowser|\bquest\b", re.IGNORECASE)
_DESKTOP = {"Windows", "macOS", "Linux", "Chrome OS", "BSD"}


class Device(NamedTuple):
    """What is kept of a user agent; device_type is desktop, mobile, tablet, tv, bot or unknown."""

    device_type: str
    browser_family: str
    os_family: str
    is_bot: bool


class Hints(NamedTuple):
    """What a browser says beside its user agent: that it prefers pages for telephones, and a system or nothing."""

    mobile: bool = False
    system: str = ""


NO_HINTS = Hints()
UNKNOWN = Device("unknown", OTHER, OTHER, is_bot=False)


def read_hints(headers: Mapping[bytes, list[bytes]]) -> Hints:
    """The client hints of a request; what is not exactly one of the known values says nothing."""
    mobile = headers.get(b"sec-ch-ua-mobile", [])
    platform = headers.get(b"sec-ch-ua-platform", [])
    named = platform[0].strip(b'"').decode("latin-1") if len(platform) == 1 else ""
    return Hints(mobile == [b"?1"], _HINTED_SYSTEMS.get(named, ""))


def reduce_agent(user_agent: str, *, touch: bool, hints: Hints = NO_HINTS) -> Device:
    """The device behind a user agent; `touch`: the browser says that it has more than one touch point."""
    # Cut before it becomes a key of the cache: thousands of long ones would fill the memory. A lone surrogate is no
    # text to the parser.
    text = user_agent[:_LONGEST].encode("utf-8", "replace").decode()
    return _reduced(text.strip(), touch, hints)


@lru_cache(maxsize=_CACHED)
def _reduced(text: str, touch: bool, hints: Hints) -> Device:  # noqa: FBT001 - keys of the cache, by place
    if not text:
        return UNKNOWN if hints == NO_HINTS else _hinted(UNKNOWN, hints)
    found = parse(text)
    browser = BROWSERS.get(found.user_agent.family, OTHER) if found.user_agent else OTHER
    system = SYSTEMS.get(found.os.family, OTHER) if found.os else OTHER
    is_bot = _BOT.search(text) is not None or (found.device is not None and found.device.family == "Spider")
    if is_bot:
        return Device("bot", browser, system, is_bot=True)
    if touch and system == "macOS":
        # An iPad presents itself as a Mac; no Mac has a touch screen.
        return Device("tablet", browser, "iOS", is_bot=False)
    return _hinted(Device(_device_type(text, system), browser, system, is_bot=False), hints)


def _device_type(text: str, system: str) -> str:
    if _TV.search(text):
        return "tv"
    if _HEADSET.search(text):
        return "unknown"
    if _TABLET.search(text) or (system == "Android" and "Mobile" not in text):
        return "tablet"
    if _MOBILE.search(text):
        return "mobile"
    return "desktop" if system in _DESKTOP else "unknown"


def _hinted(device: Device, hints: Hints) -> Device:
    """The device with what its hints add: user agents are frozen, and some say nothing at all."""
    system = hints.system if hints.system and device.os_family == OTHER else device.os_family
    kind = device.device_type
    if hints.mobile and kind in {"desktop", "unknown"}:
        kind = "mobile"
    elif kind == "unknown" and system != device.os_family:
        # A browser with hints that prefers pages for large screens: on Android that is a tablet.
        kind = "desktop" if system in _DESKTOP else "tablet"
    return device._replace(device_type=kind, os_family=system)
