"""How much text the scrubber reads in a second: harmless text as most of it is, and text that holds something.

The floor is one pass of one pattern over the same text: what a single rule costs that finds nothing.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from bench.figures import Figure
from telemetry_platform.processing.scrub import scrub

if TYPE_CHECKING:
    from collections.abc import Callable

_FRAMES = "\n".join(f"    at fn{n} (https://app.example.com/assets/main.3f2a1b9c.js:{n}:2345)" for n in range(20))
_TEXTS = {
    "clean": "DEMUXER_ERROR_COULD_NOT_OPEN: FFmpegDemuxer: open context failed after 12000 ms",
    "message": "User ana@example.com failed from 203.0.113.9: segment request failed after 12000 ms",
    "stack": f"Error: 504 for ana@example.com\n{_FRAMES}\n    at play (/Users/ana/app.js:10:5)",
}
_ONE_PATTERN = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w.-]++")
_SECONDS = 0.5
_ROUNDS = 3


def measure() -> list[Figure]:
    """Characters a second for each text, the best of three rounds."""
    return [
        Figure(
            f"scrub.{name}",
            _speed(scrub, text),
            "chars/s",
            _speed(lambda given: _ONE_PATTERN.sub("[email]", given), text),
        )
        for name, text in _TEXTS.items()
    ]


def _speed(work: Callable[[str], str], text: str) -> float:
    return max(_round(work, text) for _ in range(_ROUNDS))


def _round(work: Callable[[str], str], text: str) -> float:
    begun, done = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < _SECONDS:
        work(text)
        done += len(text)
    return done / spent
