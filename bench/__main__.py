"""`make bench`: everything that is measured, one JSON object a line, on engines of its own; nothing stays behind.

`python -m bench drain.analytics api` measures only what begins with one of these names. A line is printed as soon as
it is measured, what takes long comes last.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench import (
    api_batches,
    auditing,
    draining,
    excluding,
    freshness,
    lookup,
    pose_compression,
    scrubbing,
    statistics_api,
)
from bench.figures import note
from telemetry_platform.embedded.platform import running_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.figures import Figure
    from telemetry_platform.embedded.platform import PlatformHandle

_BUDGET_SECONDS = "15"
"""Short drain runs, so that "from idle" does not have to wait ten minutes for a run to end."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _drained(load: draining.Load, handle: PlatformHandle) -> Sequence[Figure]:
    return [draining.measure(handle.settings, load)]


def _on_stores() -> Iterator[tuple[str, Callable[[PlatformHandle], Sequence[Figure]]]]:
    """What needs no daemon, the short ones first."""
    for load in draining.LOADS:
        if load.kind == "pose":
            # Before other frames lie in its table: it divides all bytes that the table holds. Behind the other kinds,
            # since it stores far more than they do, and the disk may still be busy with that.
            yield "pose.compression", lambda handle: [pose_compression.measure(handle.settings)]
        yield f"drain.{load.kind}", partial(_drained, load)
    yield "audit", lambda handle: auditing.measure(handle.settings)
    yield "api.batch", lambda handle: api_batches.measure(handle, _free_port())
    yield "stats", statistics_api.measure
    # Last: what is stored for it lies beside nothing that is still to be measured.
    yield "lookup", lambda handle: lookup.measure(handle.settings)


def main(wanted: Sequence[str]) -> None:
    """Measure what is wanted, or everything."""

    def is_wanted(name: str) -> bool:
        return not wanted or any(name.startswith(prefix) or prefix.startswith(name) for prefix in wanted)

    on_stores = [(name, measure) for name, measure in _on_stores() if is_wanted(name)]
    if is_wanted("exclusions"):
        _show("exclusions", excluding.measure())
    if is_wanted("scrub"):
        _show("scrub", scrubbing.measure())
    with tempfile.TemporaryDirectory(prefix="telemetry-bench-") as folder:
        if on_stores:
            stores = ("postgres", "redis", "clickhouse", "api")
            with running_platform("test", services=stores, remove=True, base=Path(folder)) as handle:
                for name, measure in on_stores:
                    _show(name, measure(handle))
        if is_wanted("freshness"):
            os.environ["TELEMETRY_DRAIN__BUDGET_SECONDS"] = _BUDGET_SECONDS
            with running_platform("test", remove=True, base=Path(folder)) as handle:
                _show("freshness", freshness.measure(handle))


def _show(name: str, figures: Sequence[Figure]) -> None:
    note(f"measured: {name}")
    for figure in figures:
        figure.show()


if __name__ == "__main__":
    main(sys.argv[1:])
