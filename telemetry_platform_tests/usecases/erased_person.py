"""A person with something of theirs in every table, under three keys; and erasures of them, carried out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores import erasures, postgres
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.erase.request import Asked, Taken, request_erasure
from telemetry_platform.usecases.erase.run import EraseReport, Erasing
from telemetry_platform.usecases.erase.sweep import swept
from telemetry_platform_tests.api.posing import exercise, frame
from telemetry_platform_tests.api.serving import at, event, serving
from telemetry_platform_tests.usecases.landing import drain_all, entry, looking, queue, quick
from telemetry_platform_tests.usecases.old_keys import begin_at, rotate_at

if TYPE_CHECKING:
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.erasures import Erasure

ORG = "clinic-1"
OF_A_PERSON = (
    "SELECT count() FROM {table:Identifier} WHERE {column:Identifier} = {actor:String} AND org_id = {org:String}"
)


@dataclass(frozen=True)
class Past:
    """Moments within the first three key epochs, the oldest first."""

    moments: tuple[datetime, ...]


def with_a_past(settings: Settings) -> Past:
    """Four epochs of actor keys on these databases, of which the last is the present one."""
    now = datetime.now(UTC).replace(microsecond=0)
    begin_at(settings, settings.keys, now - timedelta(days=100))
    with postgres.connect(settings.postgres) as conn:
        rotate_at(conn, settings.keys, *(now - timedelta(days=days) for days in (70, 40, 10)))
    return Past(tuple(now - timedelta(days=days) for days in (90, 60, 30)))


def ring_of(settings: Settings) -> KeyRing:
    with postgres.connect(settings.postgres) as conn:
        return load_key_ring(conn, settings.keys)


def actors(settings: Settings, user: str, epochs: tuple[int, ...] = (1, 2, 3, 4)) -> dict[int, str]:
    """Their pseudonyms by epoch."""
    ring = ring_of(settings)
    return {epoch: ring.pseudonym(Domain.ACTOR, epoch, user) for epoch in epochs}


def live(settings: Settings, past: Past, *users: str) -> None:
    """One of everything of each in each of the epochs, posted and drained, and a letter that could not be stored."""
    service: dict[str, Any] = {"roles": ["service"], "sub": "core-api"}
    for moment in past.moments:
        with serving(settings, moment) as api:
            for user in users:
                session = str(uuid4())
                for name, data in (("session_start", {"ttfb_ms": 340.0}), ("heartbeat", {"position_seconds": 1.0})):
                    _taken(api.post(event(name, session_id=session, data=data, timestamp=at(0, moment)), sub=user))
                view = {"kind": "page_view", "timestamp": at(0, moment), "route": "/exercises"}
                _taken(api.post_to("/v1/analytics/events", view, sub=user))
                _taken(api.post_to("/v1/errors/report", _error(moment), sub=user))
                frames = exercise(frame(0, moment), frame(1, moment))
                _taken(api.post_to("/v1/pose/frames", frames, sub=user, purposes=["pose"]))
                _taken(api.post_to("/v1/security/events", _attack(user, moment), **service))
                _taken(api.post_to("/v1/staff/metrics", _work(user, moment), **service))
    letters = [
        entry("media", b"{", moment, str(uuid4()), actor_hash=actor, key_epoch=epoch)
        for user in users
        for (epoch, actor), moment in zip(actors(settings, user).items(), past.moments, strict=False)
    ]
    queue(settings, letters)
    drain_all(quick(settings))


def _taken(answer: Any) -> None:  # noqa: ANN401 - a response
    assert answer.status_code == 202, answer.text
    verdicts = answer.json().get("results", [answer.json()])
    assert {one["status"] for one in verdicts} == {"accepted"}, verdicts


def _error(moment: datetime) -> dict[str, Any]:
    return {"source": "app", "error_code": "TypeError", "timestamp": at(0, moment), "event_id": str(uuid4())}


def _attack(user: str, moment: datetime) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": at(0, moment),
        "org_id": ORG,
        "actor_id": user,
        "type": "auth.failed",
        "severity": "medium",
        "client_address": "203.0.113.9",
    }


def _work(user: str, moment: datetime) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": at(0, moment),
        "org_id": ORG,
        "staff_user_id": user,
        "team_id": "team-3",
        "metric": "response_time",
        "value": 12.5,
        "unit": "minutes",
        "period_start": at(0, moment.replace(hour=0, minute=0)),
    }


def ask(settings: Settings, user: str, now: datetime | None = None) -> Taken:
    """Ask for their erasure."""
    with postgres.connect(settings.postgres) as conn:
        ring = load_key_ring(conn, settings.keys)
        return request_erasure(
            conn,
            ring,
            now or datetime.now(UTC),
            org_id=ORG,
            user_id=user,
            backup_days=settings.privacy.backup_days,
            asked=Asked(),
        )


def carry_out(settings: Settings, seconds: float = 60.0) -> EraseReport:
    """Run until nothing waits: parts of tables that were replaced are removed after some seconds."""
    deadline = time.monotonic() + seconds
    while True:
        with open_stores(settings) as stores:
            report = Erasing(stores, lambda: datetime.now(UTC)).run()
        if report.is_done:
            return report
        assert time.monotonic() < deadline, report
        time.sleep(0.5)


def found(settings: Settings, taken: Taken) -> Erasure:
    """The erasure as it stands now."""
    with looking(settings) as (_, conn):
        erasure = erasures.find(conn, taken.erasure.erasure_id)
    assert erasure is not None
    return erasure


def rows_of(settings: Settings, user: str, epochs: tuple[int, ...] = (1, 2, 3, 4)) -> dict[str, int]:
    """Rows of a person by table, under all keys, where there are any; superseded versions and letters too."""
    mine = actors(settings, user, epochs)
    counts: dict[str, int] = {}
    with looking(settings) as (warehouse, conn):
        for table, column in swept():
            for actor in mine.values():
                scope = {"table": table.name, "column": column, "actor": actor, "org": ORG}
                counts[table.name] = counts.get(table.name, 0) + int(warehouse.client.scalar(OF_A_PERSON, scope))
        letters = conn.execute(
            "SELECT count(*) FROM privacy.dead_letters WHERE actor_hash = ANY(%s)", (list(mine.values()),)
        ).fetchall()
    counts["privacy.dead_letters"] = int(letters[0][0])
    return {table: count for table, count in counts.items() if count}


def security_rows(settings: Settings, user: str) -> tuple[int, int]:
    """Security events of the tenant that name the person, and all of the tenant's."""
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as conn:
        row = conn.execute(
            "SELECT count(*) FILTER (WHERE actor_hash = ANY(%s)), count(*) FROM security.security_events "
            "WHERE org_id = %s",
            (list(actors(settings, user).values()), ORG),
        ).fetchall()[0]
    return int(row[0]), int(row[1])
