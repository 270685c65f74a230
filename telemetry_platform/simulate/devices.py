"""Devices that patients watch on: user agents as real browsers send them, and what they must be reduced to.

Invariant: `device_type`, `browser` and `system` are what the platform has to make of the user agent and the touch
points, told here from what the device is, never by parsing the string.
"""

# ruff: noqa: E501 - user agents stand as browsers send them, one device a line

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.simulate.chance import one_of

if TYPE_CHECKING:
    from random import Random

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@dataclass(frozen=True)
class Device:
    """One kind of device; `weight` is its share among patients."""

    name: str
    device_type: str
    browser: str
    system: str
    user_agent: str
    weight: float
    max_touch_points: int | None = None
    is_bot: bool = False
    seems: str = ""
    """Its type as far as the user agent alone tells, where that is another one: a service passes nothing else on."""


DEVICES = (
    Device("Chrome on Windows", "desktop", "Chrome", "Windows", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36", 16, 0),
    Device("Edge on Windows", "desktop", "Edge", "Windows", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", 6),
    Device("Firefox on Windows", "desktop", "Firefox", "Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", 4),
    Device("Firefox on Linux", "desktop", "Firefox", "Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", 2),
    Device("Safari on a Mac", "desktop", "Safari", "macOS", f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Version/18.6 Safari/605.1.15", 5, 0),
    Device("Opera on Windows", "desktop", "Opera", "Windows", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/139.0.0.0 Safari/537.36 OPR/123.0.0.0", 1),
    Device("Chrome on Android", "mobile", "Chrome", "Android", f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36", 22, 5),
    Device("Samsung Internet", "mobile", "Samsung Internet", "Android", f"Mozilla/5.0 (Linux; Android 14; SM-S921B) {_WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", 7),
    Device("Firefox on Android", "mobile", "Firefox", "Android", "Mozilla/5.0 (Android 14; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0", 2),
    Device("Safari on an iPhone", "mobile", "Safari", "iOS", f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_SAFARI} Version/18.6 Mobile/15E148 Safari/604.1", 14, 5),
    Device("Chrome on an iPhone", "mobile", "Chrome", "iOS", f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_SAFARI} CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1", 3),
    Device("Safari on an iPad", "tablet", "Safari", "iOS", f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Version/18.6 Safari/605.1.15", 7, 5, seems="desktop"),
    Device("Safari on an old iPad", "tablet", "Safari", "iOS", f"Mozilla/5.0 (iPad; CPU OS 12_5_7 like Mac OS X) {_SAFARI} Version/12.1.2 Mobile/15E148 Safari/604.1", 2),
    Device("Chrome on an Android tablet", "tablet", "Chrome", "Android", f"Mozilla/5.0 (Linux; Android 13; SM-X700) {_WEBKIT} Chrome/140.0.0.0 Safari/537.36", 5),
    Device("Samsung television", "tv", "Safari", "Tizen", f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.5) {_WEBKIT} 85.0.4183.93/6.5 TV Safari/537.36", 3),
    Device("LG television", "tv", "Chrome", "webOS", f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_WEBKIT} Chrome/94.0.4606.128 Safari/537.36 WebAppManager", 2),
    Device("monitoring script", "bot", "Chrome", "Linux", f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/141.0.0.0 Safari/537.36", 0.7, is_bot=True),
    Device("crawler", "bot", "other", "other", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 0.3, is_bot=True),
)  # fmt: skip


def choose_device(random: Random) -> Device:
    """A device, by the shares."""
    return one_of(random, {device: device.weight for device in DEVICES})
