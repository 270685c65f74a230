"""The built files of the browser client: what the sources give, and small."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[2] / "clients" / "browser"
MOST_BYTES = 5000
BUILT = ("telemetry.js", "telemetry.iife.js")


def test_the_built_files_are_what_the_sources_give() -> None:
    done = subprocess.run([sys.executable, CLIENT / "build.py", "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", BUILT)
def test_a_built_file_is_small_and_needs_no_other(name: str) -> None:
    content = (CLIENT / name).read_bytes()
    assert len(gzip.compress(content, mtime=0)) < MOST_BYTES
    assert not re.search(rb"^\s*import |\brequire\(", content, re.MULTILINE)


def test_the_package_ships_files_that_exist() -> None:
    package = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))
    assert set(BUILT) <= set(package["files"])
    assert [name for name in package["files"] if not (CLIENT / name).exists()] == []
    assert "dependencies" not in package
