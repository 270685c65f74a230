"""Checkpoints as verification believes them, or not: their age, their row, their keys, their retention."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.errors import PermanentError
from telemetry_platform.usecases.checkpoint_trail import checkpoint
from telemetry_platform.usecases.own_actions import ActedBy
from telemetry_platform.usecases.resume_trail import resume_trail
from telemetry_platform.usecases.verify_audit import INCREMENTAL
from telemetry_platform_tests.stores.trail import Trail, trail_of
from telemetry_platform_tests.usecases.tampering import fill, look, see, tamper

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings


@pytest.fixture
def platform(trail_platform: Settings) -> Settings:
    return trail_platform


@pytest.fixture
def trail(engines: PlatformHandle, platform: Settings) -> Trail:
    return trail_of(engines, platform)


def test_a_checkpoint_that_is_too_old_is_no_proof_of_the_end(trail: Trail, platform: Settings) -> None:
    fill(trail, 10)
    checkpoint(platform, datetime.now(UTC) - timedelta(minutes=11))
    found = look(platform)
    assert (found.ok, found.first_bad_seq) == (False, None)
    assert "11 minutes old" in str(found.reason)


def test_without_any_checkpoint_a_trail_is_not_called_whole(trail: Trail, platform: Settings) -> None:
    fill(trail, 10)
    assert "no checkpoint" in str(look(platform).reason)


def _files(platform: Settings) -> list[Path]:
    return sorted(Path(str(platform.audit.checkpoints)).rglob("*.json"))


def test_a_checkpoint_that_is_missing_changed_or_gone_is_named(trail: Trail, platform: Settings) -> None:
    for _ in range(4):
        fill(trail, 10)
        see(platform)
    assert look(platform).ok
    second, last = _files(platform)[1], _files(platform)[3]
    kept = second.read_bytes()
    second.unlink()
    assert look(platform).reason == "checkpoint 2 is missing"
    second.write_bytes(kept.replace(b'"seq":20', b'"seq":19'))
    assert look(platform).reason == "checkpoint 2 is not what was signed"
    second.write_bytes(kept)
    assert look(platform).ok
    last.unlink()
    assert look(platform).reason == "checkpoints behind 3 were there and are gone"
    # Its number is not given to another one, which would heal the hole: somebody has to state it.
    restored(trail, 38)
    with pytest.raises(PermanentError, match="checkpoints behind 3 were there and are gone"):
        see(platform)
    stated = resume_trail(platform, "the folder lost a file", by=ActedBy("officer", "staff"), now=datetime.now(UTC))
    assert (stated.checkpoint.number, stated.checkpoint.resumes_at) == (5, 30)
    found = look(platform)
    assert (found.ok, found.resumptions) == (True, 1), found.reason


def test_files_that_are_none_are_a_fault_and_nothing_is_signed_behind_them(trail: Trail, platform: Settings) -> None:
    fill(trail, 10)
    see(platform)
    root = Path(str(platform.audit.checkpoints))
    (only,) = _files(platform)
    kept = only.read_bytes()
    only.write_bytes(kept.replace(b"+00:00", b""))
    assert look(platform).reason == "a file among the checkpoints is none"
    only.write_bytes(kept)
    (root / "2020" / "01").mkdir(parents=True)
    (root / "2020" / "01" / "01.jsonl").write_bytes(b"")
    assert look(platform).reason == "the checkpoints of 2020/01/01 are gone: their file is empty"
    (root / "2020" / "01" / "01.jsonl").unlink()
    only.unlink()
    (root / "2020" / "01" / "01.jsonl").write_bytes(b"")
    with pytest.raises(PermanentError, match="their file is empty"):
        see(platform)


def test_a_day_that_is_over_becomes_one_file_and_verifies(trail: Trail, platform: Settings) -> None:
    now = datetime.now(UTC)
    for days in (3, 3, 2, 0):
        fill(trail, 10)
        checkpoint(platform, now - timedelta(days=days))
    root = Path(str(platform.audit.checkpoints))
    assert len(list(root.rglob("*.jsonl"))) == 2
    assert len(_files(platform)) == 1
    found = look(platform)
    assert (found.ok, found.checkpoints) == (True, 4), found.reason


def test_checkpoints_that_outlived_the_trail_go_and_their_absence_is_no_fault(trail: Trail, platform: Settings) -> None:
    now = datetime.now(UTC)
    fill(trail, 10)
    checkpoint(platform, now - timedelta(days=8 * 366))
    checkpoint(platform, now - timedelta(days=7 * 365))
    checkpoint(platform, now)
    root = Path(str(platform.audit.checkpoints))
    assert len(list(root.rglob("*.jsonl"))) == 1
    found = look(platform)
    assert (found.ok, found.checkpoints) == (True, 2), found.reason
    (old,) = root.rglob("*.jsonl")
    old.unlink()
    assert look(platform).reason == "checkpoint 1 is missing", "what is left is of today"


def test_a_key_of_somebody_else_does_not_count(trail: Trail, platform: Settings, tmp_path: Path) -> None:
    fill(trail, 10)
    see(platform)
    other = tmp_path / "key"
    other.write_text("A" * 43 + "=")
    other.chmod(0o600)
    theirs = platform.model_copy(
        update={"audit": platform.audit.model_copy(update={"signing_key_file": other, "trusted_keys": ""})}
    )
    assert "unknown key" in str(look(theirs).reason)
    (key,) = (Path(str(platform.audit.checkpoints)) / "keys").iterdir()
    trusting = theirs.audit.model_copy(update={"trusted_keys": key.stem})
    assert look(theirs.model_copy(update={"audit": trusting})).ok


def restored(trail: Trail, last: int) -> None:
    """The database as a backup of an earlier moment holds it."""
    tamper(
        trail,
        f"DELETE FROM audit.audit_logs WHERE seq > {last}",  # noqa: S608 - of this test
        f"DELETE FROM audit.details WHERE seq > {last}",  # noqa: S608 - of this test
        f"DELETE FROM audit.event_index WHERE seq > {last}",  # noqa: S608 - of this test
        f"UPDATE audit.head SET seq = {last}, row_hash = (SELECT row_hash FROM audit.audit_logs WHERE seq = {last})",  # noqa: S608 - of this test
    )


def test_after_a_restore_the_trail_goes_on_when_somebody_states_what_is_lost(trail: Trail, platform: Settings) -> None:
    officer, now = ActedBy("officer", "staff"), datetime.now(UTC)
    for _ in range(3):
        fill(trail, 10)
        see(platform)
    with pytest.raises(PermanentError, match="nothing to resume from"):
        resume_trail(platform, "a mistake", by=officer, now=now)
    restored(trail, 25)
    fill(trail, 10)
    assert not look(platform).ok
    with pytest.raises(PermanentError, match="does not hold what checkpoint 3 saw at 30"):
        see(platform)
    made = resume_trail(platform, "backup of the morning", by=officer, now=datetime.now(UTC)).checkpoint
    assert (made.number, made.seq, made.resumes_at) == (4, 36, 20)
    found = look(platform)
    assert (found.ok, found.rows, found.resumptions) == (True, 36, 1), found.reason
    assert trail.rows("SELECT body FROM audit.details WHERE seq = 36") == [
        ({"resumes_at": 20, "seen_until": 30, "why": "backup of the morning"},)
    ]
    fill(trail, 10)
    see(platform)
    assert (look(platform, INCREMENTAL).ok, look(platform).ok) == (True, True)
    tamper(trail, "UPDATE audit.audit_logs SET outcome = 'denied' WHERE seq = 15")
    assert look(platform).first_bad_seq == 15


def test_damage_is_no_restore(trail: Trail, platform: Settings) -> None:
    for _ in range(3):
        fill(trail, 10)
        see(platform)
    restored(trail, 28)
    tamper(trail, "UPDATE audit.audit_logs SET outcome = 'denied' WHERE seq = 24")
    with pytest.raises(PermanentError, match="not one chain at 24"):
        resume_trail(platform, "a backup", by=ActedBy("officer", "staff"), now=datetime.now(UTC))
