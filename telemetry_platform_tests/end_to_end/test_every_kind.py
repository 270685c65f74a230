"""Every kind that clients post, from its samples through the API and the drain to the rows of its table.

Nothing here names a kind but the field case: a new contract with samples is covered as soon as it is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.event_kind import EventKind, Role, Store
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.stores import postgres
from telemetry_platform_tests.api.serving import Api, serving
from telemetry_platform_tests.usecases.landing import batch_sums, drain_all, looking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from telemetry_platform.settings import Settings

SAMPLES = Path(__file__).parent.parent / "samples"
POSTED = {name: kind for name, kind in kinds().items() if kind.endpoint is not None and kind.frames is None}


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def samples(kind: EventKind, verdict: str) -> list[dict[str, Any]]:
    """Samples of today, each with an id of its own: what was sampled a year ago would be too late."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((SAMPLES / kind.name / verdict).glob("*"))]
    events = [sample if verdict == "accepted" else sample["event"] for sample in found]
    return [_fresh(event) if verdict == "accepted" else event for event in events]


def _fresh(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "event_id": str(uuid4()), "session_id": str(uuid4()), "timestamp": now_text()}


@dataclass(frozen=True)
class Landed:
    """What was posted of each kind, and the platform after one drain."""

    settings: Settings
    sent: dict[str, list[dict[str, Any]]]
    answers: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def landed(make_platform: Callable[[], Settings]) -> Landed:
    """Every accepted sample, sent twice, and two equal events with different ids; then one drain."""
    settings = make_platform()
    sent: dict[str, list[dict[str, Any]]] = {}
    answers: dict[str, list[dict[str, Any]]] = {}
    with serving(settings, None) as api:
        for name, kind in POSTED.items():
            sent[name] = samples(kind, "accepted")
            answers[name] = _post(api, kind, sent[name])
            assert _post(api, kind, sent[name]) == answers[name]
        metric = sent["api_metrics"][0]
        sent["api_metrics"] += [{**metric, "event_id": str(uuid4())} for _ in range(2)]
        _post(api, kinds()["api_metrics"], sent["api_metrics"][-2:])
    drain_all(settings)
    return Landed(settings, sent, answers)


def _post(api: Api, kind: EventKind, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    assert kind.endpoint is not None
    everybody = {"roles": [role.value for role in Role]}
    answer = api.post_to(kind.endpoint.path, {"events": events}, {"X-Consent-Level": "3"}, **everybody)
    assert answer.status_code == 202, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    assert {result["status"] for result in results} == {"accepted"}, answer.text
    return results


@pytest.mark.parametrize("name", sorted(POSTED))
def test_every_accepted_sample_is_one_row_and_its_second_copy_is_counted(landed: Landed, name: str) -> None:
    table = kinds()[name].table
    expected = {event["event_id"] for event in landed.sent[name]}
    with looking(landed.settings) as (warehouse, conn):
        sums = batch_sums(conn)[name]
        rows: Sequence[Sequence[Any]]
        if table.store is Store.CLICKHOUSE:
            rows = warehouse.client.query("SELECT toString(event_id) FROM {t:Identifier}", {"t": table.name})
        else:
            owner = landed.settings.postgres.owner_url
            assert owner is not None
            statement = f"SELECT event_id::text FROM {table.name}"  # noqa: S608 - a name of ours
            with postgres.connect(owner.get_secret_value()) as owned:
                rows = owned.execute(statement.encode()).fetchall()
        stored = [row[0] for row in rows if row[0] in expected]
    assert sorted(stored) == sorted(expected)
    _, _, duplicate, id_conflict, too_late, dead_lettered, missing = sums
    assert duplicate >= len(landed.answers[name])
    assert (id_conflict, too_late, dead_lettered, missing) == (0, 0, 0, 0)


def test_e14_two_events_equal_in_every_field_are_two_rows(landed: Landed) -> None:
    first, second = landed.sent["api_metrics"][-2:]
    with looking(landed.settings) as (warehouse, _):
        rows = warehouse.client.query(
            "SELECT count(), uniqExact(event_id) FROM api_metrics WHERE route = {route:String} AND client_at = "
            "parseDateTime64BestEffort({at:String}, 3, 'UTC') AND event_id IN ({one:UUID}, {two:UUID})",
            {"route": first["route"], "at": first["timestamp"], "one": first["event_id"], "two": second["event_id"]},
        )
    assert [tuple(row) for row in rows] == [(2, 2)]


@pytest.mark.parametrize("name", sorted(POSTED))
def test_every_rejected_sample_is_refused_by_name(landed: Landed, name: str) -> None:
    kind = kinds()[name]
    assert kind.endpoint is not None
    found = [path.read_text(encoding="utf-8") for path in sorted((SAMPLES / name / "rejected").glob("*"))]
    with serving(landed.settings, None) as api:
        for text in found:
            sample = json.loads(text)
            # As it stands in the file: Python would write a number that is too large as a word that is no JSON.
            event = text[text.index('"event": ') + len('"event": ') : text.rindex("}")]
            answer = api.post_to(kind.endpoint.path, event.encode(), roles=[role.value for role in Role])
            assert answer.status_code == 422, sample
            fields = [error["field"] for error in answer.json()["errors"]]
            expected = str(sample["field"] or kind.discriminator)
            # A name that is the client's own is not repeated in an answer.
            assert any(expected == field or expected.startswith(f"{field}.") for field in fields if field), (
                sample,
                fields,
            )
