"""A load on an HTTP server that costs little itself: requests are encoded beforehand, answers are read by length.

On a machine with few cores a comfortable client would take the server's core and be measured instead of it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass
class LoadReport:
    """What came back: answers by status, seconds from the first request to the last answer, latencies in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def per_second(self, events_per_request: int) -> float:
        """Events in accepted requests per second. Raises ValueError when any answer was not 2xx: nothing to compare."""
        refused = {status: count for status, count in self.statuses.items() if not 200 <= status < 300}
        if refused:
            raise ValueError(f"answers other than 2xx: {refused}")
        return sum(self.statuses.values()) * events_per_request / self.seconds


def encode(path: str, port: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    """One HTTP/1.1 POST as bytes."""
    lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{port}", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one answer; return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    await reader.readexactly(int(lower[start : lower.index(b"\r\n", start)]))
    return int(head[9:12])


async def _connection(port: int, requests: Iterator[bytes], report: LoadReport) -> None:
    """One keep-alive connection that takes requests until there are none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in requests:
            began = time.perf_counter()
            writer.write(request)
            report.statuses[await _answer(reader)] += 1
            report.latencies.append(time.perf_counter() - began)
    finally:
        writer.close()
        await writer.wait_closed()


async def _run(port: int, requests: Sequence[bytes], connections: int) -> LoadReport:
    report = LoadReport()
    shared = iter(requests)
    began = time.perf_counter()
    await asyncio.gather(*(_connection(port, shared, report) for _ in range(connections)))
    report.seconds = time.perf_counter() - began
    return report


def load(port: int, requests: Sequence[bytes], connections: int = 16) -> LoadReport:
    """Send all requests over so many connections, each as soon as its connection is free."""
    return asyncio.run(_run(port, requests, connections))
