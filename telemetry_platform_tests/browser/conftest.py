"""One browser and one real video for all tests; a page, a server of videos and an API for each."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.api.serving import Api, serving
from telemetry_platform_tests.browser.video_server import VideoServer, serving_video
from telemetry_platform_tests.usecases.landing import drain_all, quick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from telemetry_platform.settings import Settings

SECONDS = 8
_SCRIPT = Path(__file__).parents[2] / "clients" / "browser" / "telemetry.js"
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
"""A headless browser says that it is one, and would count as a script."""


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found is not None, f"{name} is missing: `make browser` installs it"
    return found


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of moving picture, hard enough to pack to be a megabyte, a key frame each second."""
    path = tmp_path_factory.mktemp("video") / "video.webm"
    source = f"testsrc2=size=480x270:rate=25:duration={SECONDS},noise=alls=30:allf=t"
    subprocess.run(
        [_program("ffmpeg"), "-loglevel", "error", "-f", "lavfi", "-i", source, "-c:v", "libvpx", "-b:v", "1500k",
         "-minrate", "1500k", "-maxrate", "1500k", "-g", "25", "-deadline", "realtime", "-cpu-used", "8", str(path)],
        check=True,
    )  # fmt: skip
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium from the system's package."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_program("chromium"), args=list(_FLAGS), headless=True)
        yield chromium
        chromium.close()


@dataclass
class Player:
    """A page with its video, and the platform behind it."""

    page: Page
    server: VideoServer
    api: Api
    session_id: str

    def open(self, **more: object) -> None:
        """Load the page, make the client and follow the video."""
        self.page.goto(self.server.origin)
        self.page.wait_for_function("() => Boolean(window.client)")
        given: dict[str, object] = {
            "endpoint": f"http://127.0.0.1:{self.api.port}",
            "bearer": self.api.token(),
            "session": self.session_id,
            "consent": 2,
            **more,
        }
        self.page.evaluate(
            """given => {
              const { endpoint, bearer, consent } = given
              window.telemetry = window.client({ endpoint, token: () => bearer, consent })
              window.stop = window.telemetry.track(document.getElementById('video'),
                { mediaId: 'knee-squat-2', sessionId: given.session })
            }""",
            given,
        )

    def play(self) -> None:
        """Ask for the video and play it."""
        self.page.evaluate(
            "() => { const v = document.getElementById('video'); v.src = '/video.webm'; v.play().catch(() => {}) }"
        )

    def until(self, happened: str, *, more: int = 1) -> None:
        """Wait until the element has told an event so often."""
        self.page.wait_for_function(
            "([name, count]) => window.seen.filter(each => each[0] === name).length >= count", arg=[happened, more],
            timeout=60_000,
        )  # fmt: skip

    def times(self, name: str) -> list[float]:
        """When the element told an event [ms], by the page's own listeners."""
        found: list[float] = self.page.evaluate(
            "name => window.seen.filter(each => each[0] === name).map(each => each[1])", name
        )
        return found

    def sent(self) -> None:
        """Send what is kept, until nothing is."""
        self.page.evaluate("() => window.telemetry.flush()")
        self.page.wait_for_function(
            "() => { const t = window.telemetry; if (t.state().kept) t.flush(); return !t.state().kept }",
            polling=200, timeout=30_000,
        )  # fmt: skip

    def stored(self) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
        """The session, its stalls and the types of its events in order, after the drain."""
        drain_all(quick(self.api.settings))
        asked = {"id": self.session_id}
        with open_warehouse(self.api.settings.clickhouse) as warehouse:
            ask = warehouse.client.query_arrow
            sessions = ask("SELECT * FROM media_sessions_current WHERE session_id = {id:UUID}", asked).to_pylist()
            stalls = ask("SELECT * FROM media_buffering_current WHERE session_id = {id:UUID}", asked).to_pylist()
            events = ask(
                "SELECT event FROM media_events WHERE session_id = {id:UUID} ORDER BY client_at, event_id", asked
            ).to_pylist()
        return (sessions[0] if sessions else {}), stalls, [row["event"] for row in events]


@pytest.fixture(scope="module")
def api_and_server(module_platform: Settings, video: Path) -> Iterator[tuple[Api, VideoServer]]:
    """An API that takes requests of the page's origin, and the server of the page."""
    with serving_video(video, _SCRIPT) as server:
        api_settings = module_platform.api.model_copy(update={"cors_origins": (server.origin,)})
        with serving(module_platform.model_copy(update={"api": api_settings}), None) as api:
            yield api, server


@pytest.fixture
def player(browser: Browser, api_and_server: tuple[Api, VideoServer]) -> Iterator[Player]:
    """A page of its own, and a server that does nothing odd yet."""
    api, server = api_and_server
    server.hold_at, server.status, server.is_broken = None, 200, False
    server.go.clear()
    context = browser.new_context(user_agent=_AGENT)
    page = context.new_page()
    yield Player(page, server, api, str(uuid4()))
    server.go.set()
    context.close()
