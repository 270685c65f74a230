"""Numbered entries of the trail and the security events: what does not arrive is told; what comes late closes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.contracts.landing import LandingEntry, stream_name
from telemetry_platform.errors import ContractViolationError, PermanentError
from telemetry_platform.stores import intake, postgres, redis
from telemetry_platform.usecases.intake import explain
from telemetry_platform_tests.usecases.landing import (
    a_session,
    audit_entry,
    drain_all,
    just_now,
    looking,
    queue,
    quick,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.intake import Gap

CORE = "core-api-1"


def numbered(*numbers: int, source: str = CORE, first_id: int = 0) -> list[LandingEntry]:
    """Access records as a service numbered them."""
    return [replace(audit_entry(first_id + number, just_now()), source=source, source_seq=number) for number in numbers]


def by_api(*numbers: int, producer: str = "api-1") -> list[LandingEntry]:
    return [replace(audit_entry(number, just_now()), producer=producer, producer_seq=number) for number in numbers]


def arrive(settings: Settings, entries: Iterable[LandingEntry], **options: Any) -> None:  # noqa: ANN401 - the drain's own
    queue(settings, entries)
    drain_all(quick(settings), **options)


def gaps(settings: Settings) -> list[Gap]:
    with looking(settings) as (_, conn):
        return intake.open_gaps(conn, datetime.now(UTC), older_than_seconds=0)


def rows(settings: Settings) -> list[tuple[Any, ...]]:
    with looking(settings) as (_, conn):
        return conn.execute(
            "SELECT origin, place, producer, first_missing, last_missing, missing::text, closed_at IS NOT NULL "
            "FROM audit.intake_gaps ORDER BY gap_id"
        ).fetchall()


def marks(settings: Settings) -> dict[tuple[str, str, str], tuple[int, str]]:
    with looking(settings) as (_, conn):
        found = conn.execute(
            "SELECT origin, place, producer, high_water, seen::text FROM audit.intake_marks"
        ).fetchall()
    return {(origin, place, producer): (high, seen) for origin, place, producer, high, seen in found}


def test_numbers_that_do_not_come_are_a_gap_and_what_comes_late_closes_it(platform: Settings) -> None:
    arrive(platform, numbered(1, 2, 6))
    (gap,) = gaps(platform)
    assert (gap.origin, gap.place, gap.producer) == ("service", "audit", CORE)
    assert (gap.first, gap.last, gap.numbers) == (3, 5, 3)
    assert marks(platform) == {("service", "audit", CORE): (6, "{[1,3),[6,7)}")}

    arrive(platform, numbered(4))
    (gap,) = gaps(platform)
    assert (gap.first, gap.last, gap.numbers) == (3, 5, 2)

    arrive(platform, numbered(3, 5, 7))
    assert gaps(platform) == []
    # Kept as history.
    assert rows(platform) == [("service", "audit", CORE, 3, 5, "{}", True)]
    assert marks(platform)["service", "audit", CORE] == (7, "{[1,8)}")


def test_what_comes_again_changes_nothing(platform: Settings) -> None:
    arrive(platform, numbered(1, 2, 4))
    before = rows(platform), marks(platform)
    # The same numbers and ids, and the same numbers with other ids.
    arrive(platform, [*numbered(1, 2, 4), *numbered(4, 4, 1, first_id=100)])
    assert (rows(platform), marks(platform)) == before


def test_each_process_begins_at_one_and_each_kind_is_numbered_by_itself(platform: Settings) -> None:
    arrive(platform, numbered(1, 2))
    arrive(platform, [*numbered(1, source="core-api-2", first_id=10), *numbered(3, source="core-api-3", first_id=20)])
    (gap,) = gaps(platform)
    assert (gap.producer, gap.first, gap.last) == ("core-api-3", 1, 2)
    with looking(platform) as (_, conn):
        at = datetime.now(UTC)
        intake.note(conn, [intake.Seen("service", "security", CORE, [(2, 2)])], at)
    assert [(one.place, one.producer, one.first) for one in gaps(platform)][-1] == ("security", CORE, 1)


def test_events_of_one_service_in_several_streams_are_one_sequence(platform: Settings) -> None:
    sharded = platform.model_copy(update={"redis": platform.redis.model_copy(update={"shards": 2})})
    with redis.connect(platform.redis) as client:
        for number, each in enumerate(numbered(1, 2, 3, 4)):
            client.xadd(stream_name("audit", number % 2), vars(each))
    drain_all(quick(sharded))
    assert gaps(platform) == []
    assert marks(platform) == {("service", "audit", CORE): (4, "{[1,5)}")}


def test_entries_of_an_api_process_are_counted_on_streams_where_nothing_may_be_lost(platform: Settings) -> None:
    media = [
        replace(each, producer="api-1", producer_seq=2 * place + 1)
        for place, each in enumerate(a_session(1, just_now()))
    ]
    arrive(platform, [*by_api(1, 3), *media])
    (gap,) = gaps(platform)
    assert (gap.origin, gap.place, gap.producer) == ("api", stream_name("audit", 0), "api-1")
    assert (gap.first, gap.last) == (2, 2)
    assert set(marks(platform)) == {("api", stream_name("audit", 0), "api-1")}


def test_an_entry_that_cannot_be_stored_has_arrived(platform: Settings) -> None:
    arrive(platform, [numbered(1)[0], replace(numbered(2)[0], body=b'{"nothing": 1}'), numbered(3)[0]])
    assert gaps(platform) == []
    with looking(platform) as (_, conn):
        assert conn.execute("SELECT count(*) FROM privacy.dead_letters").fetchone() == (1,)


def test_a_batch_that_is_tried_again_is_noted_once(platform: Settings) -> None:
    class Fell(BaseException):
        """The drain ended here."""

    def fall(point: str) -> None:
        if point == "audit.before_commit":
            raise Fell

    queue(platform, numbered(1, 2, 5))
    with pytest.raises(Fell):
        drain_all(quick(platform), checkpoint=fall)
    assert (rows(platform), marks(platform)) == ([], {})
    with looking(platform) as (_, conn):
        conn.execute("UPDATE ingest.leases SET expires_at = clock_timestamp()")
    drain_all(quick(platform))
    assert rows(platform) == [("service", "audit", CORE, 3, 4, "{[3,5)}", False)]


def test_a_gap_is_explained_once_by_somebody_who_is_in_the_trail(platform: Settings) -> None:
    now = datetime.now(UTC)
    arrive(platform, numbered(2))
    (gap,) = gaps(platform)
    for why in (" ", "x" * 201, "ask maria.popescu@example.org"):
        with pytest.raises(ContractViolationError):
            explain(platform, gap.gap_id, why, by="ops", now=now)
    place = explain(platform, gap.gap_id, "numbers began at 2 in release 7", by="ops", now=now)
    assert gaps(platform) == []
    assert platform.postgres.read_url is not None
    with postgres.connect(platform.postgres.read_url.get_secret_value()) as conn:
        told = conn.execute(
            "SELECT action, actor_type, body FROM audit.audit_logs JOIN audit.details USING (seq) WHERE seq = %s",
            (place,),
        ).fetchone()
    assert told is not None
    assert told[:2] == ("intake.explained", "staff")
    assert "numbers began at 2" in str(told[2])
    for gap_id in (gap.gap_id, 999):
        with pytest.raises(PermanentError, match="open and unexplained"):
            explain(platform, gap_id, "again", by="ops", now=now)
    # One that comes after all still closes it.
    arrive(platform, numbered(1))
    assert rows(platform)[0][-1] is True


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.intake_gaps SET first_missing = first_missing + 1",
        "UPDATE audit.intake_gaps SET noticed_at = now()",
        "UPDATE audit.intake_gaps SET missing = '{[1,100)}'",
        "DELETE FROM audit.intake_gaps",
        "TRUNCATE audit.intake_gaps",
        "SET session_replication_role = replica; DELETE FROM audit.intake_gaps",
    ],
)
def test_nobody_takes_a_gap_away_not_even_the_owner(module_platform: Settings, statement: str) -> None:
    assert module_platform.postgres.owner_url is not None
    with looking(module_platform) as (_, conn):
        intake.note(conn, [intake.Seen("service", "audit", statement[:60], [(3, 3)])], datetime.now(UTC))
        with pytest.raises(PermanentError):
            conn.execute("INSERT INTO audit.intake_marks VALUES ('api', 'x', 'y', 1, '{}', now())")
    with (
        postgres.connect(module_platform.postgres.owner_url.get_secret_value()) as conn,
        pytest.raises(PermanentError),
    ):
        conn.execute(statement.encode())


def test_what_is_closed_goes_with_the_trail_of_its_time_and_an_open_question_stays(platform: Settings) -> None:
    assert platform.postgres.owner_url is not None
    assert platform.postgres.retention_url is not None
    now = datetime.now(UTC)
    long_ago = now - timedelta(days=8 * 366)
    with looking(platform) as (_, conn):
        intake.note(conn, [intake.Seen("service", "audit", "closed", [(3, 3)])], long_ago)
        intake.note(conn, [intake.Seen("service", "audit", "closed", [(1, 2)])], long_ago)
        intake.note(conn, [intake.Seen("service", "audit", "open", [(3, 3)])], long_ago)
        intake.note(conn, [intake.Seen("service", "audit", "young", [(3, 3)])], now)
        intake.note(conn, [intake.Seen("service", "audit", "young", [(1, 2)])], now)
    with postgres.connect(platform.postgres.retention_url.get_secret_value()) as conn:
        assert conn.execute("DELETE FROM audit.intake_gaps WHERE producer = 'closed'").rowcount == 1
    for producer in ("open", "young"):
        with (
            postgres.connect(platform.postgres.retention_url.get_secret_value()) as conn,
            pytest.raises(PermanentError, match="six years at least"),
        ):
            conn.execute("DELETE FROM audit.intake_gaps WHERE producer = %s", (producer,))
