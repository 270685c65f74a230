"""Erasures that something comes between: a hold after the request, a second request after a killed run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores import erasures, postgres, subjects
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.erase.run import NEWER_KEYS, Erasing
from telemetry_platform_tests.usecases.crashing_erasure import crash
from telemetry_platform_tests.usecases.erased_person import (
    ORG,
    actors,
    ask,
    carry_out,
    found,
    live,
    ring_of,
    rows_of,
    with_a_past,
)
from telemetry_platform_tests.usecases.landing import count, drain_all, looking, media_entry, queue, quick
from telemetry_platform_tests.usecases.old_keys import begin_at, rotate_at

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


@pytest.fixture(scope="module")
def aged(module_platform: Settings) -> Settings:
    """Databases with four epochs of keys, and two people who lived under three of them."""
    live(module_platform, with_a_past(module_platform), "u-51", "u-56")
    return module_platform


def _queue_one(settings: Settings, user: str, moment: datetime) -> None:
    row = media_entry(str(uuid4()), "heartbeat", moment, position_seconds=1.0)
    queue(settings, [type(row)(**{**vars(row), "actor_hash": actors(settings, user)[4], "key_epoch": 4})])


def _hold(settings: Settings, subject_hash: str) -> UUID:
    hold = uuid4()
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value()) as owner:
        owner.execute(
            "INSERT INTO privacy.legal_holds (hold_id, org_id, subject_hash, placed_at, why) "
            "VALUES (%s, %s, %s, now(), 'a dispute')",
            (hold, ORG, subject_hash),
        )
    return hold


def _release(settings: Settings, hold: UUID) -> None:
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value()) as owner:
        owner.execute("UPDATE privacy.legal_holds SET released_at = now() WHERE hold_id = %s", (hold,))


def test_what_was_queued_of_a_person_who_is_held_after_the_request_is_stored(aged: Settings) -> None:
    _queue_one(aged, "u-58", datetime.now(UTC) - timedelta(hours=1))
    taken = ask(aged, "u-58")
    hold = _hold(aged, taken.subject_hash)
    drain_all(quick(aged))
    assert rows_of(aged, "u-58")["media_events"] == 1
    with looking(aged) as (_, conn):
        in_force = {one.erasure_id for one in erasures.tombstones(conn, now=datetime.now(UTC))}
    assert taken.erasure.erasure_id not in in_force
    assert ask(aged, "u-58").erasure.status == found(aged, taken).status == erasures.HELD
    _release(aged, hold)
    assert ask(aged, "u-58").erasure.status == found(aged, taken).status == erasures.REQUESTED
    carry_out(aged)
    assert rows_of(aged, "u-58") == {}


def test_what_a_killed_run_deleted_is_in_one_certificate_only(aged: Settings) -> None:
    """Asked for again after the kill, which makes another erasure, and that one alone is run."""
    now = datetime.now(UTC)
    for hours in (2, 3, 4):
        _queue_one(aged, "u-59", now - timedelta(hours=hours))
    drain_all(quick(aged))
    first = ask(aged, "u-59", now - timedelta(minutes=2))
    crash(aged, "media_events.announced")
    second = ask(aged, "u-59", now - timedelta(minutes=1))
    assert first.erasure.erasure_id != second.erasure.erasure_id
    with open_stores(aged) as stores:
        Erasing(stores, lambda: datetime.now(UTC)).run(second.erasure.erasure_id)
    carry_out(aged)
    told = []
    for taken in (first, second):
        certificate = found(aged, taken).certificate
        assert certificate is not None
        told.append({row["table"]: row["erased"] for row in certificate["tables"]})
    assert [one["media_events"] for one in told] == [3, 0]
    assert told[1]["media_sessions"] == 0


def test_a_held_person_is_left_alone_until_release(aged: Settings) -> None:
    before = rows_of(aged, "u-51")
    person = _subject(aged, "u-51")
    hold = _hold(aged, person)
    taken = ask(aged, "u-51")
    carry_out(aged)
    assert found(aged, taken).status == erasures.HELD
    assert rows_of(aged, "u-51") == before
    with looking(aged) as (_, conn):
        assert subjects.read(conn, ORG, person) is None
    _release(aged, hold)
    carry_out(aged)
    assert found(aged, taken).status == erasures.CERTIFIED
    assert rows_of(aged, "u-51") == {}


def test_a_hold_that_comes_after_the_request_stops_it(aged: Settings) -> None:
    before = rows_of(aged, "u-56")
    taken = ask(aged, "u-56")
    hold = _hold(aged, taken.subject_hash)
    carry_out(aged)
    assert rows_of(aged, "u-56") == before
    _release(aged, hold)
    carry_out(aged)
    assert rows_of(aged, "u-56") == {}


def test_a_key_that_began_during_a_hold_is_no_gap_in_the_certificate(make_platform: Any) -> None:  # noqa: ANN401 - a factory
    """Whoever has the id must ask again: nobody else can make the pseudonym under the new key."""
    settings: Settings = make_platform()
    now = datetime.now(UTC).replace(microsecond=0)
    begin_at(settings, settings.keys, now - timedelta(days=40))
    hold = _hold(settings, _subject(settings, "u-60"))
    taken = ask(settings, "u-60", now - timedelta(days=35))
    with postgres.connect(settings.postgres) as conn:
        rotate_at(conn, settings.keys, now - timedelta(days=10))
    yesterday = now - timedelta(days=1)
    row = media_entry(str(uuid4()), "heartbeat", yesterday, position_seconds=1.0)
    actor = ring_of(settings).pseudonym(Domain.ACTOR, 2, "u-60")
    queue(settings, [type(row)(**{**vars(row), "actor_hash": actor, "key_epoch": 2})])
    drain_all(quick(settings))
    _release(settings, hold)
    with open_stores(settings) as stores:
        report = Erasing(stores, lambda: datetime.now(UTC)).run()
    assert report.certified == 0
    assert found(settings, taken).waits_for == NEWER_KEYS
    assert ask(settings, "u-60").erasure.erasure_id == taken.erasure.erasure_id
    carry_out(settings)
    certificate = found(settings, taken).certificate
    assert certificate is not None
    assert certificate["epochs"]["reached"] == [1, 2]
    with looking(settings) as (warehouse, _):
        assert count(warehouse, "media_events") == (0, 0)


def _subject(settings: Settings, user: str) -> str:
    return ring_of(settings).pseudonym(Domain.SUBJECT, 1, user)
