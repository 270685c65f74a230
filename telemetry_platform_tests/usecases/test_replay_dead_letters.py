"""Replaying and dropping dead letters: nothing is lost, nothing is stored or put aside twice, and somebody answers."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores import dead_letters, redis
from telemetry_platform.stores.dead_letters import Selection
from telemetry_platform.stores.landing_queue import LandingQueue
from telemetry_platform.usecases.replay_dead_letters import DropReport, ReplayReport, drop, no_checkpoint, replay
from telemetry_platform_tests.usecases.landing import (
    an_id,
    audit_entry,
    count,
    drain_all,
    entry,
    just_now,
    left_behind,
    looking,
    media_body,
    queue,
    quick,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.dead_letters import DeadLetter
    from telemetry_platform.stores.postgres import Connection

SESSION = an_id("session of letters")


@pytest.fixture
def settings(module_platform: Settings) -> Iterator[Settings]:
    """The module's databases, with no letters and no media events in them."""
    settings = quick(module_platform)
    with looking(settings) as (warehouse, conn):
        warehouse.client.command("TRUNCATE TABLE media_events")
        conn.execute("DELETE FROM privacy.dead_letters")
        conn.execute("DELETE FROM ingest.batches")
    yield settings
    assert left_behind(settings) == 0


def bad_body(number: int, **changes: object) -> dict[str, object]:
    return media_body(SESSION, "heartbeat", just_now(), position_seconds="abc", current_bitrate=number, **changes)


def put_aside(settings: Settings, conn: Connection, number: int) -> list[DeadLetter]:
    """So many letters of the kind media, for a field that is wrong; ten times as many events are stored."""
    start = just_now()
    bad = [entry("media", bad_body(each), start, an_id("bad", each)) for each in range(number)]
    fine = [
        entry("media", media_body(SESSION, "heartbeat", start), start, an_id("fine", each))
        for each in range(10 * number)
    ]
    queue(settings, [*bad, *fine])
    assert drain_all(settings).tables["media_events"].dead_lettered == number
    return dead_letters.waiting(conn, limit=100)


def mended(letter: DeadLetter) -> str:
    return letter.body.replace('"abc"', "1.5")


def replayed(
    settings: Settings,
    conn: Connection,
    *letters: DeadLetter,
    body: str | None = None,
    checkpoint: Callable[[str], None] = no_checkpoint,
) -> ReplayReport:
    with waiting_queue(settings) as landing:
        ids = [letter.id for letter in letters]
        return replay(conn, landing, ids, shards=1, now=just_now(), body=body, checkpoint=checkpoint)


@contextmanager
def waiting_queue(settings: Settings) -> Iterator[LandingQueue]:
    landing = LandingQueue(redis.connect(settings.redis))
    try:
        yield landing
    finally:
        landing.close()


class KilledError(Exception):
    """Stands for the end of the process: the transaction that was open is gone, what was queued is not."""


def killed(_: str) -> None:
    raise KilledError


def test_e18_what_fails_again_is_the_same_letter_with_more_attempts(settings: Settings) -> None:
    with looking(settings) as (warehouse, conn):
        (letter,) = put_aside(settings, conn, 1)
        for attempts in (2, 3):
            assert replayed(settings, conn, letter) == ReplayReport(queued=1)
            assert drain_all(settings).tables["media_events"].dead_lettered == 1
            (again,) = dead_letters.waiting(conn, limit=10)
            assert (again.id, again.attempts, again.reason) == (letter.id, attempts, "invalid_field")
            assert again.entry_id != letter.entry_id
        assert conn.execute("SELECT count(*) FROM privacy.dead_letters").fetchone() == (1,)
        assert replayed(settings, conn, again, body=mended(letter)) == ReplayReport(queued=1)
        assert drain_all(settings).tables["media_events"].stored == 1
        assert count(warehouse, "media_events") == (11, 11)
        assert not dead_letters.waiting_ids(conn)


def test_a_replay_that_is_told_twice_queues_once(settings: Settings) -> None:
    with looking(settings) as (warehouse, conn):
        (letter,) = put_aside(settings, conn, 1)
        assert replayed(settings, conn, letter, letter, body=mended(letter)) == ReplayReport(queued=1, skipped=1)
        assert replayed(settings, conn, letter, body=mended(letter)) == ReplayReport(skipped=1)
        report = drain_all(settings).tables["media_events"]
        assert (report.stored, report.duplicate) == (1, 0)
        assert count(warehouse, "media_events") == (11, 11)


def test_a_replay_of_what_was_stored_meanwhile_is_a_duplicate(settings: Settings) -> None:
    with looking(settings) as (warehouse, conn):
        (letter,) = put_aside(settings, conn, 1)
        # The client sent it again, from a release that does it right.
        good = json.loads(mended(letter))
        queue(settings, [entry("media", good, just_now(), letter.event_id)])
        assert drain_all(settings).tables["media_events"].stored == 1
        replayed(settings, conn, letter, body=mended(letter))
        report = drain_all(settings).tables["media_events"]
        assert (report.stored, report.duplicate, report.id_conflict) == (0, 1, 0)
        assert count(warehouse, "media_events") == (11, 11)


@pytest.mark.parametrize("drained_between", [True, False])
@pytest.mark.parametrize("fails_again", [True, False])
def test_killed_between_queueing_and_marking_it_loses_and_doubles_nothing(
    settings: Settings, *, drained_between: bool, fails_again: bool
) -> None:
    with looking(settings) as (warehouse, conn):
        (letter,) = put_aside(settings, conn, 1)
        body = None if fails_again else mended(letter)
        with pytest.raises(KilledError):
            replayed(settings, conn, letter, body=body, checkpoint=killed)
        assert dead_letters.waiting_ids(conn) == [letter.id]
        if drained_between:
            drain_all(settings)
        assert replayed(settings, conn, letter, body=body) == ReplayReport(queued=1)
        drain_all(settings)
        assert count(warehouse, "media_events") == ((10, 10) if fails_again else (11, 11))
        assert conn.execute("SELECT count(*), max(attempts) FROM privacy.dead_letters").fetchone() == (
            1,
            3 if fails_again else 1,
        )
        assert dead_letters.waiting_ids(conn) == ([letter.id] if fails_again else [])


def test_a_drain_that_is_faster_than_the_mark_waits_for_it(settings: Settings) -> None:
    with looking(settings) as (_, conn), looking(settings) as (_, other):
        (letter,) = put_aside(settings, conn, 1)

        def fail_at_once(_: str) -> None:
            # What the drain does with an entry that fails, from a connection of its own, while the letter is locked.
            other.execute("SET lock_timeout = '100ms'")
            with pytest.raises(Exception, match="55P03"), other.transaction():
                dead_letters.add(other, [replace(letter, entry_id="9-9", replay_of=letter.id, id=0)])

        replayed(settings, conn, letter, checkpoint=fail_at_once)
        drain_all(settings)
        assert conn.execute("SELECT count(*), max(attempts) FROM privacy.dead_letters").fetchone() == (1, 2)
        assert dead_letters.waiting_ids(conn) == [letter.id]


def test_an_entry_that_names_another_event_s_letter_is_a_letter_of_its_own(settings: Settings) -> None:
    with looking(settings) as (_, conn):
        (letter,) = put_aside(settings, conn, 1)
        forged = entry("media", bad_body(2), just_now(), an_id("forged"), trace_id=f"letter-{letter.id}")
        queue(settings, [forged])
        drain_all(settings)
        assert [(one.event_id, one.attempts) for one in dead_letters.waiting(conn, limit=10)] == [
            (letter.event_id, 1),
            (an_id("forged"), 1),
        ]


def test_a_letter_of_the_trail_is_replayed_into_the_trail(settings: Settings) -> None:
    good = audit_entry(7, just_now())
    with looking(settings) as (_, conn):
        queue(settings, [replace(good, body=good.body.replace(b'"success"', b"7"))])
        assert drain_all(settings).tables["audit.audit_logs"].dead_lettered == 1
        (letter,) = dead_letters.waiting(conn, Selection(kind="audit"), limit=10)
        assert replayed(settings, conn, letter, body=good.body.decode()) == ReplayReport(queued=1)
        assert drain_all(settings).tables["audit.audit_logs"].stored == 1


def test_a_stream_that_is_not_drained_any_more_is_not_replayed_into(settings: Settings) -> None:
    with looking(settings) as (_, conn):
        (letter,) = put_aside(settings, conn, 1)
        conn.execute("UPDATE privacy.dead_letters SET stream = 'telemetry:landing:media:5'")
        assert replayed(settings, conn, letter, body=mended(letter)).queued == 1
        assert drain_all(settings).tables["media_events"].stored == 1


@pytest.mark.parametrize("body", ["", "[]", "{", "{} {}", '"text"'])
def test_a_mended_body_that_is_no_object_is_refused_before_anything_happens(settings: Settings, body: str) -> None:
    with looking(settings) as (_, conn):
        (letter,) = put_aside(settings, conn, 1)
        with pytest.raises(ContractViolationError, match="one JSON object"):
            replayed(settings, conn, letter, body=body)
        assert dead_letters.waiting_ids(conn) == [letter.id]


def test_letters_are_chosen_by_kind_reason_number_and_time(settings: Settings) -> None:
    with looking(settings) as (_, conn):
        letters = put_aside(settings, conn, 3)
        first, second, third = (letter.id for letter in letters)
        conn.execute(
            "UPDATE privacy.dead_letters SET kind = 'errors', received_at = received_at - interval '1 day' "
            "WHERE id = %s",
            [first],
        )
        conn.execute("UPDATE privacy.dead_letters SET reason = 'processing_failed' WHERE id = %s", [second])
        hour = letters[2].received_at.replace(minute=0, second=0)
        for chosen, expected in (
            (Selection(), [first, second, third]),
            (Selection(kind="media"), [second, third]),
            (Selection(reason="invalid_field"), [first, third]),
            (Selection(ids=(first, third, 999)), [first, third]),
            (Selection(since=hour), [second, third]),
            (Selection(before=hour), [first]),
            (Selection(kind="media", reason="invalid_field", since=hour), [third]),
            (Selection(ids=(first,), kind="media"), []),
        ):
            assert dead_letters.waiting_ids(conn, chosen) == expected
        assert dead_letters.waiting_counts(conn) == {
            ("errors", "invalid_field"): 1,
            ("media", "invalid_field"): 1,
            ("media", "processing_failed"): 1,
        }


def test_a_dropped_letter_keeps_who_and_why_and_no_body(settings: Settings) -> None:
    with looking(settings) as (_, conn):
        letters = put_aside(settings, conn, 2)
        with pytest.raises(ContractViolationError, match="why"):
            drop(conn, [letters[0].id], by="somebody", why=" \n", now=just_now())
        note = "test release of ana@example.com,\nnobody needs it"
        chosen = [letters[0].id, letters[0].id, 999]
        assert drop(conn, chosen, by="operator (test)", why=note, now=just_now()) == DropReport(dropped=1, skipped=2)
        assert dead_letters.waiting_ids(conn) == [letters[1].id]
        found = dead_letters.find(conn, letters[0].id)
        assert found is not None
        assert (found.dropped_by, found.dropped_why) == (
            "operator (test)",
            "test release of [email], nobody needs it",
        )
        assert (found.body, found.actor_hash) == ("", "")
        assert (found.kind, found.reason, found.event_id) == ("media", "invalid_field", letters[0].event_id)
        assert replayed(settings, conn, found) == ReplayReport(skipped=1)
