"""An error report that names somebody: through the API and a drain in Dagster, to everything that is kept of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.stores import postgres, redis
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.api.serving import at, event, serving
from telemetry_platform_tests.defs.front_door import drain_until_idle

if TYPE_CHECKING:
    from pathlib import Path

    import dagster as dg

    from telemetry_platform.settings import Settings

ERRORS = "/v1/errors/report"
MAIL, ADDRESS, FOLDER = "ana@example.com", "203.0.113.9", "/Users/ana/app.js"
RAW = (MAIL, ADDRESS, "/Users/ana")
# The same values in other writings: case, percent signs, wide forms, signs without width, escapes.
SIBLINGS = (
    *("ANA@EXAMPLE.COM", "ana%40example.com", "ana%2540example.com", "ana\uff20example.com", "ana\u200b@example.com"),
    *("ana&#64;example.com", "ana(at)example.com", "ana at example dot com", "::ffff:203.0.113.9", "203%2E0%2E113%2E9"),
    *("203[.]0[.]113[.]9", "0313.0.0161.011", "C:\\Users\\ana\\app.js", "%2FUsers%2Fana%2Fapp.js", "password=hunter2"),
    *("Cookie: sid=9f8e7d; who=ana", "https://x.example/#access_token=9f8e7d", "https://ana:hunter2@x.example/"),
    *("YW5hQGV4YW1wbGUuY29t", "fe80::1ff:fe23:4567:890a%eth0", "+40 722 123 456", "4111 1111 1111 1111"),
)


@dataclass(frozen=True)
class Kept:
    """Everything that is kept after a drain, as text or as bytes."""

    rows: str
    letters: str
    files: bytes
    shown: str

    def found(self, raw: str) -> list[str]:
        """Where a raw value is found."""
        places = {"rows": self.rows, "letters": self.letters, "logs": self.shown}
        return [name for name, text in places.items() if raw in text] + ["files"] * (raw.encode() in self.files)


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


def report(code: str, text: str) -> dict[str, Any]:
    return {
        "source": "app",
        "error_code": code,
        "timestamp": at(0, datetime.now(UTC)),
        "message": f"User {text} failed",
        "stack": f"Error: User {text} failed\n    at play ({FOLDER}:10:5)\n    at load ({text})",
        "url": f"https://app.example.com/exercises/12?mail={MAIL}#{ADDRESS}",
        "session_id": str(uuid4()),
    }


def post(settings: Settings, *reports: dict[str, Any]) -> None:
    with serving(settings, None) as api:
        for one in reports:
            answer = api.post_to(ERRORS, one)
            assert answer.status_code == 202, answer.text


def break_one(settings: Settings) -> None:
    """Make an entry of the queue one that no table takes, as an older release could have written it: raw, and wrong."""
    with redis.connect(settings.redis) as client:
        ((_, fields),) = client.xrevrange(stream_name("errors", 0), count=1)
        body = json.loads(fields[b"body"]) | report("E68", f"{MAIL} of {ADDRESS}") | {"fatal": f"no of {MAIL}"}
        broken = fields | {b"body": json.dumps(body).encode(), b"event_id": str(uuid4()).encode()}
        client.xadd(stream_name("errors", 0), broken)


def kept(settings: Settings, home: Path, shown: str) -> Kept:
    with open_warehouse(settings.clickhouse) as warehouse:
        rows = warehouse.client.query("SELECT * FROM error_events")
    with postgres.connect(settings.postgres, autocommit=True) as connection:
        letters = connection.execute("SELECT * FROM privacy.dead_letters").fetchall()
    files = b"\n".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    return Kept(repr(rows), repr(letters), files, shown)


def test_e68_neither_rows_nor_dead_letters_nor_logs_nor_run_metadata_hold_what_a_report_named(
    settings: Settings, instance: dg.DagsterInstance, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    siblings = [report(f"E{number}", text) for number, text in enumerate(SIBLINGS, 100)]
    post(settings, report("E68", f"{MAIL} failed from {ADDRESS}"), *siblings)
    break_one(settings)
    result = drain_until_idle(instance)
    logs = "\n".join(str(entry) for entry in instance.all_logs(result.run_id))
    shown = capfd.readouterr()
    found = kept(settings, home, logs + shown.out + shown.err)
    assert "User [email] failed from [address] failed" in found.rows
    assert "/Users/[user]/app.js" in found.rows
    assert "'errors'" in found.letters
    assert "drain_streams" in found.shown
    assert {raw: found.found(raw) for raw in (*RAW, *SIBLINGS, "hunter2", "9f8e7d") if found.found(raw)} == {}


def test_e70_raw_identifiers_in_allowed_fields_reach_no_table(
    settings: Settings, instance: dg.DagsterInstance, home: Path
) -> None:
    raw = ("u-42", ADDRESS, "Knee Squat Level 2", "user_id")
    data = {"user_id": "u-42", "ip": ADDRESS, "position_seconds": 1.5}
    with serving(settings, None) as api:
        sent = event(media_id="Knee Squat Level 2", data=data, timestamp=at(0, datetime.now(UTC)))
        assert api.post(sent).status_code == 202
        assert api.post(sent | {"session_id": MAIL}).status_code == 422
    drain_until_idle(instance)
    with open_warehouse(settings.clickhouse) as warehouse:
        query = "SELECT media_id, * FROM media_events WHERE session_id = {session:String}"
        (row,) = warehouse.client.query(query, {"session": sent["session_id"]})
    assert len(row[0]) == 64
    assert [text for text in (*raw, MAIL) if text in repr(row)] == []
    found = kept(settings, home, "")
    # `user_id` is a name that Dagster itself uses.
    assert [text for text in raw[:3] if found.found(text)] == []
