"""The file of an archive: whole or not at all, never in the place of another, of any size in little memory."""

from __future__ import annotations

import stat
import tracemalloc
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.contracts.evidence import Entry
from telemetry_platform.errors import ConfigurationError, ContractViolationError
from telemetry_platform.stores.evidence_archive import new_file, opened, writing

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 2, 17, 10, tzinfo=UTC)
LINE = b'{"n": 1}\n'


def written(path: Path, lines: int = 3) -> list[Entry]:
    with new_file(path) as handle, writing(handle, NOW) as archive:
        archive.add_lines("rows.jsonl", (LINE for _ in range(lines)))
        archive.add("page.html", b"<p>")
        return archive.entries


def test_entries_say_what_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    body = LINE * 3
    assert written(path) == [
        Entry("rows.jsonl", sha256(body).hexdigest(), len(body), 3),
        Entry("page.html", sha256(b"<p>").hexdigest(), 3),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with opened(path) as archive:
        assert archive.names == ["rows.jsonl", "page.html"]
        assert list(archive.lines("rows.jsonl")) == [b'{"n": 1}'] * 3
        assert archive.small("page.html") == b"<p>"
        assert archive.measure("rows.jsonl", 1000) == Entry("rows.jsonl", sha256(body).hexdigest(), len(body), 3)
    with zipfile.ZipFile(path) as other:
        assert other.testzip() is None
        assert other.infolist()[0].external_attr >> 16 == 0o600


def test_no_more_is_read_than_the_manifest_says(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with new_file(path) as handle, writing(handle, NOW) as archive:
        archive.add("bomb", bytes(50_000_000))
    with opened(path) as archive:
        tracemalloc.start()
        assert archive.measure("bomb", 10).size == 11
        with pytest.raises(ContractViolationError, match="larger than any file of its kind"):
            archive.small("bomb")
        with pytest.raises(ContractViolationError, match="longer than any row"):
            list(archive.lines("bomb"))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    tracemalloc.start()
    written(path, 300_000)
    with opened(path) as archive:
        assert sum(1 for _ in archive.lines("rows.jsonl")) == 300_000
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_file(tmp_path / "a.zip") as handle, writing(handle, NOW) as archive:
        archive.add_lines("rows.jsonl", (LINE * (1 // number) for number in (1, 0)))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_or_comes_meanwhile_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"theirs")
    with pytest.raises(ConfigurationError, match="is there already"):
        written(path)
    path.unlink()
    with pytest.raises(ConfigurationError, match="made by somebody else meanwhile"), new_file(path):
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_in_it_is_missing(tmp_path: Path) -> None:
    written(tmp_path / "a.zip")
    with opened(tmp_path / "a.zip") as archive:
        with pytest.raises(ContractViolationError, match="other is missing from the archive"):
            archive.small("other")
        with pytest.raises(ContractViolationError, match="other is missing"):
            list(archive.lines("other"))
