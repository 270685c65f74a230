# ruff: noqa: INP001 - a script beside what it builds, no package
"""Puts the sources of `src/` together as one ES module and one plain script. The same sources give the same bytes.

`--check` writes nothing and fails where a built file is not what the sources give. Sources keep to what makes this
safe: one import or comment a line, each at its start, and no name declared by two of them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
_ORDER = ("sender.js", "media.js", "telemetry.js")
_LEFT_OUT = re.compile(r"^\s*(//.*|import .*)?$")
_HEAD = "// Built from src/ by build.py: change the sources.\n"


def _lines(name: str) -> list[str]:
    text = (HERE / "src" / name).read_text(encoding="utf-8")
    kept = [line.strip() for line in text.splitlines() if not _LEFT_OUT.match(line)]
    return [line.removeprefix("export ") for line in kept]


def built() -> dict[str, str]:
    """The text of each built file."""
    body = "\n".join(line for name in _ORDER for line in _lines(name))
    return {
        "telemetry.js": f"{_HEAD}{body}\nexport {{ createTelemetry }}\n",
        "telemetry.iife.js": f"{_HEAD};(() => {{\n'use strict'\n{body}\n"
        "window.createTelemetry = createTelemetry\n})()\n",
    }


def main(arguments: list[str]) -> int:
    """Write the built files, or say which are stale."""
    stale = [
        name
        for name, text in built().items()
        if not (HERE / name).exists() or (HERE / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        sys.stdout.writelines(f"{name} is stale: run python clients/browser/build.py\n" for name in stale)
        return 1 if stale else 0
    for name in stale:
        (HERE / name).write_text(built()[name], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
