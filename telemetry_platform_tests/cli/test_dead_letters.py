"""`telemetry dead-letters` as a data engineer uses it after an incident: look, mend, replay, give up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from telemetry_platform_tests.defs.conftest import variables
from telemetry_platform_tests.usecases.landing import (
    an_id,
    drain_all,
    entry,
    just_now,
    looking,
    media_body,
    queue,
    quick,
)

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

SESSION = an_id("session of the command line")


def telemetry(settings: Settings, *words: str, stdin: str = "", code: int = 0, stream: str = "stdout") -> str:
    """What `telemetry dead-letters ...` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "telemetry_platform.cli", "dead-letters", *words],
        env={"PATH": os.defpath, "PYTHONUTF8": "1", "COLUMNS": "160", **variables(settings)},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return str(getattr(done, stream))


def test_an_incident_from_the_first_look_to_the_last_letter(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    assert telemetry(settings, "list").strip() == "No letters wait."
    body = media_body(SESSION, "heartbeat", start)
    bad = [entry("media", body | {"position_seconds": "abc"}, start, an_id("cli bad", n)) for n in range(3)]
    queue(settings, [*bad, *(entry("media", body, start, an_id("cli fine", n)) for n in range(20))])
    drain_all(settings)

    shown = telemetry(settings, "list", "--kind", "media", "--reason", "invalid_field", "--limit", "2")
    assert re.search(r"3 +media +invalid_field", shown)
    numbers = re.findall(r"^(\d+) +media +invalid_field +position_seconds +1 ", shown, re.MULTILINE)
    assert len(numbers) == 2
    assert "and 1 more" in shown

    letter = telemetry(settings, "show", numbers[0])
    assert "waits" in letter
    mended = letter.splitlines()[-1].replace('"abc"', "1.5")
    assert "1 queued again." in telemetry(settings, "replay", numbers[0], "--body", "-", stdin=mended)
    assert "1 do not wait" in telemetry(settings, "replay", numbers[0], code=1)

    assert "2 queued again." in telemetry(settings, "replay", "--all", "--since", "2026-01-01T00:00:00Z")
    report = drain_all(settings).tables["media_events"]
    assert (report.stored, report.dead_lettered) == (1, 2)

    kept = telemetry(settings, "drop", numbers[1], "--why", "test data", stdin="n\n", code=1)
    assert "Give up letters: 1." in kept
    assert "1 given up." in telemetry(settings, "drop", numbers[1], "--why", "test data", stdin="y\n")
    assert re.search(r"dropped_at .* by \S+, by command: test data", telemetry(settings, "show", numbers[1]))
    assert "1 given up." in telemetry(settings, "drop", "--all", "--why", "test data", "--yes")
    with looking(settings) as (_, conn):
        counted = "SELECT count(*), count(dropped_at), count(replayed_at) FROM privacy.dead_letters"
        assert conn.execute(counted).fetchone() == (3, 2, 1)


def test_wrong_words_are_answered_with_what_is_right(platform: Settings) -> None:
    for words, said in (
        (("replay",), "or choose with --all"),
        (("replay", "1", "--all"), "or choose with --all"),
        (("replay", "1", "2", "--body", "-"), "--body mends one letter"),
        (("replay", "1", "--body", "{}"), "bodies do not belong on command lines"),
        (("list", "--kind", "medai"), "there is no kind 'medai': one of"),
        (("list", "--since", "yesterday"), "RFC 3339"),
        (("show", "999"), "there is no letter 999"),
    ):
        assert said in " ".join(telemetry(platform, *words, code=1, stream="stderr").split())
    assert "--why" in telemetry(platform, "drop", "1", code=2, stream="stderr")
