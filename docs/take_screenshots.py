"""Take the pictures of docs/images/ from a local platform that runs and holds simulated data.

    telemetry up; telemetry simulate; telemetry drain; make screenshots

Invariant: only synthetic data may be on them: it talks to a local profile and to nothing else.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from telemetry_platform.embedded.platform import Platform
from telemetry_platform.embedded.state import StateFolder, project_root
from telemetry_platform.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES = Path(__file__).parent / "images"
CHROMIUM = "/usr/bin/chromium"
PROFILE = "up"
ORGANISATION = "sim-clinic-north"
ERROR = "MEDIA_ERR_NETWORK"
"""One that simulated players report."""
SIZE = {"width": 1280, "height": 900}
_GRAPH_MS = 6_000
"""Dagster lays its graph out in the browser and says nowhere when it is done."""


def main() -> None:
    """Take all of them."""
    ports = Platform(StateFolder(project_root(), PROFILE), Settings()).ports()
    api, dagster = (f"http://127.0.0.1:{ports[name]}" for name in ("api", "dagster"))
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        # Debian's Chromium has no sandbox for root, as which builds in containers run; it sees loopback pages only.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            support(browser, api, token())
            graph(browser, dagster)
        finally:
            browser.close()


def token() -> str:
    """A token of support, good for half an hour; it stands in no argument and no file."""
    command = [Path(sys.executable).parent / "telemetry", "token", "--role", "support", "--org", ORGANISATION]
    made = subprocess.run([*command, "--hours", "0.5"], check=True, capture_output=True, text=True)
    return made.stdout.strip()


def support(browser: Browser, api: str, text: str) -> None:
    """Find, list, one session by day and in the dark, status."""
    page = browser.new_page(viewport=SIZE)
    page.goto(f"{api}/support")
    page.get_by_label("Access token").fill(text)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Why does this video not play?").wait_for()
    shoot(page, "support-find")
    page.get_by_label("Error code").fill(ERROR)
    page.get_by_role("button", name="Find sessions with the error").click()
    page.get_by_role("heading", name="Sessions found by").wait_for()
    shoot(page, "support-sessions")
    page.locator("tbody a").first.click()
    page.get_by_role("heading", name="Verdict").wait_for()
    shoot(page, "support-session")
    page.emulate_media(color_scheme="dark")
    shoot(page, "support-session-dark")
    page.emulate_media(color_scheme="light")
    page.goto(f"{api}/status")
    page.get_by_role("heading", name="Platform status").wait_for()
    shoot(page, "status")


def graph(browser: Browser, dagster: str) -> None:
    """The asset graph."""
    page = browser.new_page(viewport={"width": 1800, "height": 1100})
    page.goto(f"{dagster}/asset-groups")
    page.wait_for_timeout(_GRAPH_MS)
    page.screenshot(path=IMAGES / "dagster-assets.png")


def shoot(page: Page, name: str) -> None:
    """All of a page."""
    page.screenshot(path=IMAGES / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
