"""A page and a real video, from a server that stalls, fails and breaks as a test tells it: by events, not by time."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = b"""<!doctype html><meta charset="utf-8"><title>Exercise</title>
<video id="video" muted playsinline preload="none" width="320" height="180"></video>
<script type="module">
  import { createTelemetry } from '/telemetry.js'
  window.client = createTelemetry
  window.seen = []
  const video = document.getElementById('video')
  for (const name of ['waiting', 'playing', 'pause', 'seeked', 'ended', 'error'])
    video.addEventListener(name, () => window.seen.push([name, performance.now(), video.currentTime]))
</script>"""
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PIECE = 16 * 1024


@dataclass
class VideoServer:
    """The server, and what it does to the video: `hold_at` bytes until `go` is set; another status; broken bytes."""

    port: int
    hold_at: int | None = None
    status: int = 200
    is_broken: bool = False
    go: threading.Event = field(default_factory=threading.Event)

    @property
    def origin(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.port}"


def _bounds(asked: re.Match[str] | None, size: int) -> tuple[int, int]:
    """The first and the last byte that are asked for."""
    first = int(asked[1]) if asked else 0
    return first, min(int(asked[2]) if asked and asked[2] else size - 1, size - 1)


@contextmanager
def serving_video(  # noqa: C901 - a handler of the library is a class with the server's state around it
    video: Path, script: Path
) -> Iterator[VideoServer]:
    """Serve until the block ends."""
    content, code = video.read_bytes(), script.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *given: object) -> None:  # noqa: A002 - the signature of the library
            del format, given

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path == "/telemetry.js":
                self._whole(code, "text/javascript")
            elif path == "/video.webm":
                with suppress(ConnectionError):
                    self._video()
            else:
                self._whole(PAGE, "text/html")

        def _whole(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _refuse(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _video(self) -> None:
            if served.status != 200:
                self._refuse(served.status)
                return
            body = b"\0" * 4096 if served.is_broken else content
            asked = _RANGE.fullmatch(self.headers.get("Range", ""))
            first, last = _bounds(asked, len(body))
            self.send_response(206 if asked else 200)
            self.send_header("Content-Type", "video/webm")
            self.send_header("Accept-Ranges", "bytes")
            if asked:
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
            self.send_header("Content-Length", str(last - first + 1))
            self.end_headers()
            for begin in range(first, last + 1, _PIECE):
                if served.hold_at is not None and begin + _PIECE > served.hold_at:
                    served.go.wait()
                self.wfile.write(body[begin : min(begin + _PIECE, last + 1)])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = VideoServer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.go.set()
        server.shutdown()
        server.server_close()
        thread.join()
