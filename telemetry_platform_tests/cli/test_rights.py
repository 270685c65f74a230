"""`telemetry access-report` and `telemetry restore-check` as whoever is responsible for privacy uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.restored import mark_removal
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

ANA = "ana popescu@example.com"


def telemetry(settings: Settings, *words: str, stdin: str = "", code: int = 0) -> str:
    """What a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "telemetry_platform.cli", *words],
        env={"PATH": os.defpath, "PYTHONUTF8": "1", "COLUMNS": "160", **variables(settings)},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    assert ANA not in said
    return said


def test_a_person_asks_and_a_backup_comes_back(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    with postgres.connect(settings.postgres) as conn:
        actor = load_key_ring(conn, settings.keys).pseudonym(Domain.ACTOR, 1, ANA)
    body = media_body(an_id("session of Ana"), "heartbeat", start, position_seconds=1.0)
    queue(settings, [entry("media", body, start, an_id("event of Ana"), actor_hash=actor)])
    drain_all(settings)

    report = ("access-report", "--org", "clinic-1")
    told = telemetry(settings, *report, stdin=f"{ANA}\n")
    assert "media_events (actor_hash): 1" in told
    assert "an erasure: erased" in told
    document = json.loads(telemetry(settings, *report, "--json", "--rows", stdin=f"{ANA}\r\n"))
    rows = {one["table"]: one for one in document["held"] if one["count"]}
    assert rows["media_events"]["rows"][0]["event_id"] == an_id("event of Ana")
    # The first report is held about her, too.
    assert rows["audit.audit_logs"]["rows"][0]["action"] == "access.reported"
    assert "Nothing is held" in telemetry(settings, "access-report", "--org", "clinic-2", stdin=f"{ANA}\n")
    for bad in ("", "\n", "one\ntwo\n"):
        assert "one user id" in telemetry(settings, *report, stdin=bad, code=1)

    with looking(settings) as (warehouse, conn):
        mark_removal(conn, warehouse, settings, "erasure", uuid4(), start)
        warehouse.client.command("TRUNCATE TABLE restore_marks")
    assert "ClickHouse was restored from a backup" in telemetry(settings, "drain", "--until-idle", code=1)
    checked = telemetry(settings, "restore-check")
    assert "0 erased persons" in checked
    assert "TELEMETRY_PRIVACY__TOMBSTONE_COPY" in checked
    assert "0 entries" in telemetry(settings, "drain", "--until-idle")


def test_a_person_is_forgotten(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    with postgres.connect(settings.postgres) as conn:
        actor = load_key_ring(conn, settings.keys).pseudonym(Domain.ACTOR, 1, ANA)
    body = media_body(an_id("session of Ana"), "heartbeat", start, position_seconds=1.0)
    queue(settings, [entry("media", body, start, an_id("event of Ana"), actor_hash=actor)])
    drain_all(settings)

    assert "No erasure" in telemetry(settings, "erasures", "list")
    told = telemetry(settings, "erase", "--org", "clinic-1", "--wait", stdin=f"{ANA}\n")
    assert "| media_events | 1 | 0 | 0 |" in told
    assert "Result: erased" in told
    reference = told.split()[1].removesuffix(":")
    assert reference in telemetry(settings, "erasures", "list")
    certificate = json.loads(telemetry(settings, "erasures", "show", reference, "--json"))
    assert certificate["reference"] == reference
    with looking(settings) as (warehouse, _):
        assert warehouse.client.scalar("SELECT count() FROM media_events") == 0


def test_an_erasure_is_of_one_person(platform: Settings) -> None:
    two = telemetry(platform, "erase", "--org", "clinic-1", stdin=f"{ANA}\nsomebody\n", code=1)
    assert "one user id, on one line" in two
    assert "No erasure" in telemetry(platform, "erasures", "list")
