"""`telemetry keys` as an operator uses it: look, rotate, change the KEK, destroy, state the end of the old one."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from telemetry_platform.stores import postgres
from telemetry_platform_tests.defs.conftest import variables
from telemetry_platform_tests.usecases.old_keys import KEKS, begin_at, rotate_at, with_keks

if TYPE_CHECKING:
    from telemetry_platform.settings import KeySettings, Settings

DAY = timedelta(days=1)


def telemetry(settings: Settings, keys: KeySettings, *words: str, stdin: str = "", code: int = 0) -> str:
    """What `telemetry keys ...` says."""
    done = subprocess.run(
        [sys.executable, "-m", "telemetry_platform.cli", "keys", *words],
        env={
            "PATH": os.defpath,
            "PYTHONUTF8": "1",
            "COLUMNS": "160",
            **variables(settings.model_copy(update={"keys": keys})),
        },
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    assert not any(kek in said for kek in KEKS.values())
    return " ".join(said.split())


def test_an_operator_rotates_destroys_and_states_the_end(platform: Settings) -> None:
    now = datetime.now(UTC)
    first, both, second = (with_keks(platform.keys, *names) for names in (("kek-a",), ("kek-a", "kek-b"), ("kek-b",)))
    began = now - 130 * DAY
    begin_at(platform, first, began)
    with postgres.connect(platform.postgres) as conn:
        rotate_at(conn, first, *(began + days * DAY for days in (28, 58, 88)))

    # The fourth epochs are over, too: 130 days have passed.
    assert "actor: epoch 5 is active from" in telemetry(platform, first, "rotate")
    shown = telemetry(platform, first, "list")
    for line in ("actor 1 closed", "actor 4 active", "actor 5 planned", "subject 1 active"):
        assert line in shown

    looked = telemetry(platform, first, "destroy")
    assert "actor epoch 1: time over since" in looked
    assert "Nothing was changed" in looked
    done = telemetry(platform, both, "destroy", "--do-it", stdin="y\n")
    assert "Destroy actor 1, actor 2" in done
    assert "surviving keys are wrapped under kek-b" in done
    assert "Step 2: the bytes of actor 1" in done
    confirm = ("destroy", "--confirm-kek-destroyed", "kek-a")
    assert "kek-a is not destroyed" in telemetry(platform, both, *confirm, "--yes", code=1)
    pending = telemetry(platform, second, "list")
    assert "actor 1 destruction_pending" in pending
    assert "destroyed once the end of kek-a is stated" in pending
    assert "Beyond reach: actor 1" in telemetry(platform, second, *confirm, stdin="y\n")
    assert "keys are wrapped under kek-c" in telemetry(platform, with_keks(second, "kek-b", "kek-c"), "rotate-kek")


def test_what_makes_no_sense_is_said(platform: Settings) -> None:
    assert "--early takes one of actor, address, audit_actor" in telemetry(
        platform, platform.keys, "rotate", "--early", "subject", code=1
    )
    short = platform.keys.model_copy(update={"kek_file": None, "kek": None})
    assert "TELEMETRY_KEYS__KEK is not set" in telemetry(platform, short, "rotate", code=1)
