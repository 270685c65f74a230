"""`python -m telemetry_platform.api`: the server with the options that the platform's promises need.

The server's own proxy handling is off, because it would believe X-Forwarded-For from loopback; its access log is off,
because it holds addresses and paths; its Server header tells strangers what to attack.
"""

from __future__ import annotations

import sys

import uvicorn

from telemetry_platform.errors import PlatformError
from telemetry_platform.logs import guard
from telemetry_platform.settings import load


def main() -> None:
    """Serve until told to stop."""
    from telemetry_platform.api.app import create_app

    guard()
    settings = load()
    uvicorn.run(
        create_app(settings),
        host=settings.api.host,
        port=settings.api.port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        proxy_headers=False,
        access_log=False,
        server_header=False,
        date_header=True,
        log_level=settings.log_level.lower(),
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    try:
        main()
    except PlatformError as error:
        sys.stderr.write(f"telemetry api: {error}\n")
        sys.exit(1)
