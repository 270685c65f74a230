"""`make bench`: everything that is measured, one JSON object a line, on engines of its own; nothing stays behind."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

from bench import api_batches, drain_media, freshness
from bench.figures import note
from telemetry_platform.embedded.platform import running_platform

_BUDGET_SECONDS = "15"
"""Short drain runs, so that "from idle" does not have to wait ten minutes for a run to end."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="telemetry-bench-") as folder:
        stores = ("postgres", "redis", "clickhouse", "api")
        with running_platform("test", services=stores, remove=True, base=Path(folder)) as handle:
            note("api: events per second accepted")
            for figure in api_batches.measure(handle, _free_port()):
                figure.show()
            note("drain: rows per second landed and folded")
            drain_media.measure(handle.settings).show()
        os.environ["TELEMETRY_DRAIN__BUDGET_SECONDS"] = _BUDGET_SECONDS
        with running_platform("test", remove=True, base=Path(folder)) as handle:
            note("freshness: seconds from 202 to readable")
            for figure in freshness.measure(handle):
                figure.show()


if __name__ == "__main__":
    main()
