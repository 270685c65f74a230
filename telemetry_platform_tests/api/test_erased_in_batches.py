"""What a service posts of persons who were erased: what is from before stays away, after a rotation too."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores import postgres, redis
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.rotate_keys import rotate
from telemetry_platform_tests.api.serving import NOW, Api, at, serving
from telemetry_platform_tests.api.test_at_rest import rows
from telemetry_platform_tests.api.test_erased_persons import erase
from telemetry_platform_tests.usecases.landing import drain_all, quick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings

STAFF, SECURITY, AUDIT = "/v1/staff/metrics", "/v1/security/events", "/v1/audit/events"
LATER = NOW + timedelta(minutes=10)
ERASED_AT = NOW + timedelta(minutes=5)


def person() -> str:
    """Somebody whom no other test knows."""
    return f"user-{uuid4().hex[:12]}"


def figure(staff_user_id: str, timestamp: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "event_id": str(uuid4()),
        "timestamp": timestamp,
        "org_id": "clinic-1",
        "staff_user_id": staff_user_id,
        "team_id": "team-3",
        "metric": "logins",
        "value": 3.0,
        "unit": "count",
        "period_start": timestamp,
    } | fields


def finding(actor_id: str | None, timestamp: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    found = {
        "event_id": str(uuid4()),
        "timestamp": timestamp,
        "org_id": "clinic-1",
        "actor_id": actor_id,
        "type": "auth.failed",
        "severity": "low",
        "client_address": "203.0.113.9",
    } | fields
    return {name: value for name, value in found.items() if value is not None}


def verdicts(api: Api, path: str, *events: dict[str, Any], **claims: Any) -> list[tuple[str, str | None]]:  # noqa: ANN401 - JSON
    answer = api.post_to(path, {"events": list(events)}, roles=["service"], sub="core-api", **claims)
    assert answer.status_code == 202, answer.text
    return [(one["status"], one.get("reason")) for one in answer.json()["results"]]


def is_linked(api: Api, place: int = -1) -> bool:
    """Whether an entry of a security event holds somebody: the person's pseudonym, their address' or none of them."""
    entry, body = api.entries("security")[place], api.bodies("security")[place]
    marks = {bool(entry["actor_hash"]), entry["key_epoch"] != "0"}
    marks |= {body["address_hash"] is not None, body["address_key_epoch"] is not None}
    assert len(marks) == 1
    return marks.pop()


@contextmanager
def no_copy(settings: Settings, *patterns: str) -> Iterator[None]:
    """Redis has lost the copy of what persons decided, and PostgreSQL does not give it again for as long."""
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value()) as owner:
        owner.execute("LOCK TABLE privacy.subjects IN ACCESS EXCLUSIVE MODE")
        with redis.connect(settings.redis) as client:
            for key in [key for pattern in ("subjects:*", *patterns) for key in client.scan_iter(pattern)]:
                client.delete(key)
        yield
        owner.rollback()


def test_a_figure_from_before_is_dropped_and_counted_and_others_of_the_batch_are_not(empty_platform: Settings) -> None:
    erased, other = person(), person()
    erase(empty_platform, erased, ERASED_AT)
    with serving(empty_platform, LATER) as api:
        given = [
            figure(erased, at(0)),
            figure(erased, at(300)),
            figure(erased, at(301)),
            figure(other, at(0)),
            # Another tenant's person of the same id was not erased.
            figure(erased, at(0), org_id="clinic-2"),
        ]
        dropped = ("dropped", "erased")
        assert verdicts(api, STAFF, *given) == [dropped, dropped, *[("accepted", None)] * 3]
        assert [entry["event_id"] for entry in api.entries("staff_metrics")] == [one["event_id"] for one in given[2:]]
        assert [body["reason"] for body in api.bodies("drops")] == ["erased"] * 2
        assert {entry["actor_hash"] for entry in api.entries("drops")} == {""}
        assert api.metric('telemetry_consent_drops_total{kind="staff_metrics",level="2",reason="erased"}') == 2


def test_a_finding_from_before_is_taken_without_person_and_address(empty_platform: Settings) -> None:
    erased = person()
    erase(empty_platform, erased, ERASED_AT)
    with serving(empty_platform, LATER) as api:
        given = [
            finding(erased, at(300)),
            finding(erased, at(301)),
            finding(person(), at(0)),
            finding(erased, at(0), org_id="clinic-2"),
        ]
        assert verdicts(api, SECURITY, *given) == [("accepted", None)] * 4
        linked = {entry["event_id"]: is_linked(api, place) for place, entry in enumerate(api.entries("security"))}
        assert [linked[one["event_id"]] for one in given] == [False, True, True, True]
        assert {body["ip_truncated"] for body in api.bodies("security")} == {"203.0.113.0"}
        assert api.entries("drops") == []
        # Nobody is erased from the trail.
        audited = {"actor_id": erased, "actor_type": "staff", "action": "plan.read", "resource_type": "plan"}
        event = {"event_id": str(uuid4()), "timestamp": at(0), "outcome": "success", **audited}
        assert verdicts(api, AUDIT, event) == [("accepted", None)]
        assert len(api.entries("audit")[-1]["actor_hash"]) == 64


def test_what_comes_late_after_a_rotation_does_not_come_back(empty_platform: Settings) -> None:
    """No tombstone names the pseudonym under the new key."""
    erased, other = person(), person()
    now = datetime.now(UTC).replace(microsecond=0)
    with postgres.connect(empty_platform.postgres) as conn:
        (planned,) = rotate(conn, empty_platform.keys, now, early=(Domain.ACTOR,)).added
        new = load_key_ring(conn, empty_platform.keys).pseudonym(Domain.ACTOR, planned.epoch, other)
    erase(empty_platform, erased, now)
    before, expires = at(-3600, now), int(time.time()) + 7200
    with serving(empty_platform, planned.active_from + timedelta(days=2)) as api:
        figures = [figure(one, before) for one in (erased, other)]
        assert verdicts(api, STAFF, *figures, exp=expires) == [("dropped", "erased"), ("accepted", None)]
        assert [entry["actor_hash"] for entry in api.entries("staff_metrics")] == [new]
        verdicts(api, SECURITY, *[finding(one, before) for one in (erased, other)], exp=expires)
        assert sorted(entry["actor_hash"] for entry in api.entries("security")) == ["", new]


def test_at_rest_there_is_nothing_of_them(empty_platform: Settings) -> None:
    """As the API leaves them: the drain finds no tombstone here."""
    erased, settings = person(), quick(empty_platform)
    with serving(settings, None) as api:
        erase(settings, erased, datetime.now(UTC))
        before = at(-60, datetime.now(UTC))
        late, attack = figure(erased, before), finding(erased, before)
        assert verdicts(api, STAFF, late) == [("dropped", "erased")]
        assert verdicts(api, SECURITY, attack) == [("accepted", None)]
    drain_all(settings)
    query = "SELECT count() FROM staff_metrics WHERE event_id = {id:UUID}"
    assert rows(settings, query, id=late["event_id"]) == [(0,)]
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as conn:
        found = conn.execute(
            "SELECT actor_hash, key_epoch, address_hash, address_key_epoch, type FROM security.security_events "
            "WHERE event_id = %s",
            (attack["event_id"],),
        ).fetchall()
    assert found == [("", 0, None, None, "auth.failed")]


def test_without_the_copy_figures_wait_and_findings_are_taken(empty_platform: Settings) -> None:
    erased = person()
    erase(empty_platform, erased, ERASED_AT)
    with serving(empty_platform, LATER) as api:
        with no_copy(empty_platform):
            refused = api.post_to(STAFF, figure(person(), at(0)), roles=["service"])
            assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
            # The copy is not known to be whole, but what is there counts.
            assert verdicts(api, SECURITY, finding(erased, at(0))) == [("accepted", None)]
            assert not is_linked(api)
        with no_copy(empty_platform, "subject:*"):
            assert verdicts(api, SECURITY, finding(erased, at(0))) == [("accepted", None)]
            assert is_linked(api)
            assert verdicts(api, SECURITY, finding(None, at(0))) == [("accepted", None)]
        assert api.entries("staff_metrics") == []


def test_a_state_that_cannot_be_read_stops_no_finding(empty_platform: Settings) -> None:
    erased = person()
    erase(empty_platform, erased, ERASED_AT)
    with serving(empty_platform, LATER) as api:
        with redis.connect(empty_platform.redis) as client:
            for key in client.scan_iter("subject:*"):
                client.set(key, "1 {")
        assert api.post_to(STAFF, figure(erased, at(0)), roles=["service"]).status_code == 503
        assert verdicts(api, SECURITY, finding(erased, at(0))) == [("accepted", None)]


def test_five_hundred_persons_are_asked_for_at_once(empty_platform: Settings) -> None:
    persons = [person() for _ in range(500)]
    for each in persons[::100]:
        erase(empty_platform, each, ERASED_AT)
    with serving(empty_platform, LATER) as api:
        found = verdicts(api, STAFF, *[figure(each, at(0)) for each in persons])
    assert [place for place, verdict in enumerate(found) if verdict == ("dropped", "erased")] == [0, 100, 200, 300, 400]
