"""`telemetry contracts`, as somebody who has just written a contract runs it."""

import os
import subprocess
import sys
from pathlib import Path

from telemetry_platform.contracts.policy import RULES
from telemetry_platform_tests.end_to_end.project_copy import copy_project, files_of_the_readme

_CONTRACT = "telemetry_platform/contracts/events/prescriptions_viewed.py"


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "telemetry_platform.cli", "contracts", *words],
        env={"PATH": os.defpath, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_kind_that_keeps_the_policy_is_said_to() -> None:
    done = _run("media")
    assert (done.returncode, done.stdout) == (0, f"media: all {len(RULES)} rules are kept\n")


def test_the_rules_are_listed() -> None:
    assert _run("--rules").stdout.splitlines() == [f"{rule.name}: {rule.sentence}" for rule in RULES]


def test_a_kind_that_there_is_not_is_answered_with_those_there_are() -> None:
    done = _run("no_such_kind")
    assert done.returncode == 1
    assert "media" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_newcomer_who_keeps_a_raw_id_is_told_what_to_write(tmp_path: Path) -> None:
    copy = copy_project(tmp_path / "project")
    contract = files_of_the_readme()[_CONTRACT]
    copy.write(_CONTRACT, contract)
    command = (sys.executable, "-m", "telemetry_platform.cli", "contracts", "prescriptions_viewed")
    assert copy.run(*command).returncode == 0
    assert "Hashed(Domain.RESOURCE)" in contract
    copy.write(_CONTRACT, contract.replace("Hashed(Domain.RESOURCE)", "Kept()"))
    done = copy.run(*command)
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if "[ids_are_pseudonyms]" in line)
    assert "PrescriptionViewed.prescription_id" in line
    assert "Hashed(Domain.RESOURCE)" in line
    assert done.stdout.splitlines()[-1].startswith("Next: ")
