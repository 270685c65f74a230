"""Which checkpoints an archive takes along, of a real folder: those of its period, and one on either side."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.contracts.audit_chain import GENESIS, Checkpoint
from telemetry_platform.contracts.evidence import Period
from telemetry_platform.processing.audit_chain import checkpoint_digest
from telemetry_platform.processing.checkpoints import read_checkpoint, signed, verified, write_checkpoint
from telemetry_platform.processing.signing import read_signer
from telemetry_platform.stores.checkpoint_folder import CheckpointFolder
from telemetry_platform.usecases.evidence.checkpoints import Chosen, document, newest_of

if TYPE_CHECKING:
    from pathlib import Path

SIGNER = read_signer("A" * 43 + "=", "a test")
FIRST = datetime(2026, 2, 1, tzinfo=UTC)
# Four a day, at 5, 11, 17 and 23 o'clock, of four days; each sees ten rows more.
MOMENTS = [FIRST + timedelta(hours=hour) for hour in range(5, 96, 6)]


@pytest.fixture
def folder(tmp_path: Path) -> CheckpointFolder:
    found, previous = CheckpointFolder(str(tmp_path / "checkpoints")), GENESIS
    for number, moment in enumerate(MOMENTS, 1):
        made = signed(Checkpoint(number, previous, number * 10, "a" * 64, number * 10, moment, ""), SIGNER)
        found.write(moment.strftime("%Y/%m/%d"), number, write_checkpoint(made))
        previous = checkpoint_digest(made)
    found.bundle("2026/02/01")
    return found


def chosen(folder: CheckpointFolder, day: int, last_seq: int, last_day: int | None = None) -> tuple[Chosen, list[int]]:
    """What is taken, and the numbers of it; it is one unbroken row."""
    period = Period(date(2026, 2, day), date(2026, 2, last_day or day))
    found = Chosen(folder, period, newest_of(folder), last_seq)
    taken = [read_checkpoint(line) for line in found.lines()]
    assert list(verified(taken, {SIGNER.key_id: SIGNER.public_key})) == taken
    return found, [one.number for one in taken]


def test_those_of_the_period_go_with_one_on_either_side(folder: CheckpointFolder) -> None:
    found, numbers = chosen(folder, 2, last_seq=80)
    assert numbers == [4, 5, 6, 7, 8, 9]
    assert found.before is not None
    assert (found.before.number, found.seen) == (4, 90)


def test_archives_of_two_periods_overlap_by_two(folder: CheckpointFolder) -> None:
    all_numbers = [chosen(folder, day, last_seq=day * 40)[1] for day in (1, 2, 3, 4)]
    assert [(before[-2:], after[:2]) for before, after in pairwise(all_numbers)] == [
        ([4, 5], [4, 5]),
        ([8, 9], [8, 9]),
        ([12, 13], [12, 13]),
    ]


def test_it_goes_on_until_one_saw_the_last_row(folder: CheckpointFolder) -> None:
    """The clocks of the database and of who signs are two."""
    assert chosen(folder, 2, last_seq=95)[1] == [4, 5, 6, 7, 8, 9, 10]


def test_before_the_first_and_behind_the_last_there_is_nothing_to_take(folder: CheckpointFolder) -> None:
    first, numbers = chosen(folder, 1, last_seq=40)
    assert (first.before, numbers) == (None, [1, 2, 3, 4, 5])
    assert chosen(folder, 4, last_seq=160)[1] == [12, 13, 14, 15, 16]
    behind, numbers = chosen(folder, 20, last_seq=160)
    assert (numbers, behind.seen) == ([16], 160)


def test_what_was_signed_after_the_database_was_looked_at_stays_out(folder: CheckpointFolder) -> None:
    found = Chosen(folder, Period(date(2026, 2, 3), date(2026, 2, 4)), newest_of(folder), 999)
    later = signed(Checkpoint(17, "b" * 64, 170, "a" * 64, 170, MOMENTS[-1], ""), SIGNER)
    folder.write("2026/02/04", 17, write_checkpoint(later))
    assert [read_checkpoint(line).number for line in found.lines()][-1] == 16


def test_what_cannot_be_read_is_taken_along_for_whoever_verifies(folder: CheckpointFolder) -> None:
    folder.write("2026/02/03", 99, b'{"number":\n99}')
    found = list(Chosen(folder, Period(date(2026, 2, 3), date(2026, 2, 3)), newest_of(folder), 120).lines())
    assert b'{"number": 99}\n' in found
    assert len(found) == 7


def test_the_newest_is_told_as_far_as_it_can_be_read(folder: CheckpointFolder, tmp_path: Path) -> None:
    told = document(newest_of(folder))
    assert told is not None
    assert (told["number"], told["seq"]) == (16, 160)
    folder.write("2026/02/05", 17, b"nothing")
    assert newest_of(folder) is None
    empty = CheckpointFolder(str(tmp_path / "empty"))
    assert (newest_of(empty), document(None)) == (None, None)
    assert list(Chosen(empty, Period(date(2026, 2, 3), date(2026, 2, 3)), None, 0).lines()) == []
