"""Partitions of the trail leave by one way: signed for, expired, not held; verification goes on over them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from telemetry_platform.contracts.own_actions import AUDIT_REDACTED
from telemetry_platform.errors import ConfigurationError, ContractViolationError, PermanentError
from telemetry_platform.processing.audit_chain import row_form, row_hash
from telemetry_platform.stores import trail_partitions
from telemetry_platform.stores.trail_partitions import Partition, partitions
from telemetry_platform.usecases.anchor_trail import anchor
from telemetry_platform.usecases.checkpoint_trail import checkpoint
from telemetry_platform.usecases.own_actions import ActedBy
from telemetry_platform.usecases.redact_details import redact
from telemetry_platform.usecases.verify_audit import SINCE, Scope, verify
from telemetry_platform_tests.stores.trail import ROLES, Trail, entry, trail_of

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

TRAIL, SECURITY = "audit.audit_logs", "security.security_events"
_OLD = datetime(2018, 3, 1, tzinfo=UTC)


@pytest.fixture
def platform(trail_platform: Settings) -> Settings:
    return trail_platform


@pytest.fixture
def trail(engines: PlatformHandle, platform: Settings) -> Trail:
    return trail_of(engines, platform)


def age(trail: Trail, rows: int = 20) -> None:
    """A month of 2018 with the first rows of the trail, each hash as the writer of that day would have made it."""
    with trail.connect("postgres", autocommit=False) as owner:
        owner.execute("SET event_triggers = off")
        owner.execute("SET ROLE telemetry_owner")
        owner.execute("UPDATE audit.head SET recorded_at = '2018-03-01'")
        owner.execute("SELECT set_config('search_path', 'pg_catalog', true)")
        owner.execute(
            "CREATE TABLE audit.audit_logs_2018_03 (LIKE audit.audit_logs INCLUDING ALL)",
        )
        owner.execute("SELECT audit.make_append_only('audit.audit_logs_2018_03')")
        before = "0" * 64
        for seq in range(1, rows + 1):
            event_id = uuid4()
            values = {
                **{name: value for name, value in entry().items() if name != "occurred_at"},
                "seq": seq,
                "event_id": event_id,
                "occurred_at": _OLD,
                "recorded_at": _OLD.replace(microsecond=seq),
                "details_hash": None,
            }
            made = row_hash(before, row_form(values))
            owner.execute(
                "INSERT INTO audit.audit_logs_2018_03 SELECT (jsonb_populate_record(NULL::audit.audit_logs, "
                "%s::jsonb)).*",
                [json.dumps({**values, "prev_hash": before, "row_hash": made}, default=str)],
            )
            owner.execute(
                "INSERT INTO audit.event_index (org_id, event_id, seq, recorded_at) VALUES (%s, %s, %s, %s)",
                [values["org_id"], event_id, seq, values["recorded_at"]],
            )
            before = made
        owner.execute(
            "ALTER TABLE audit.audit_logs ATTACH PARTITION audit.audit_logs_2018_03 "
            "FOR VALUES FROM ('2018-03-01 00:00+00') TO ('2018-04-01 00:00+00')"
        )
        owner.execute("UPDATE audit.head SET seq = %s, row_hash = %s, recorded_at = now()", [rows, before])


def oldest(trail: Trail, table: str = TRAIL) -> Partition:
    with trail.connect("telemetry_retention") as connection:
        return partitions(connection, table)[0]


def drop(trail: Trail, partition: Partition) -> int:
    with trail.connect("telemetry_retention", autocommit=False) as connection:
        return trail_partitions.drop(connection, partition)


def sign(trail: Trail, platform: Settings, partition: Partition) -> None:
    with trail.connect("telemetry_retention", autocommit=False) as connection:
        anchor(platform, connection, partition, datetime.now(UTC))


def is_whole(platform: Settings) -> bool:
    checkpoint(platform, datetime.now(UTC))
    found = verify(platform, datetime.now(UTC))
    assert found.reason is None, found
    return found.ok


def test_the_chain_goes_on_from_the_anchor_of_what_was_dropped(trail: Trail, platform: Settings) -> None:
    age(trail)
    trail.append(*(entry(details='{"a": 1}') for _ in range(5)))
    assert is_whole(platform)
    partition = oldest(trail)
    assert (partition.name, partition.rows) == ("audit_logs_2018_03", 20)
    sign(trail, platform, partition)
    sign(trail, platform, partition)  # a run that was killed signs again
    assert is_whole(platform), "the anchor is there and its rows still are"
    assert drop(trail, partition) == 20
    assert trail.rows("SELECT count(*), min(seq) FROM audit.audit_logs") == [(5, 21)]
    assert trail.rows("SELECT count(*), min(seq) FROM audit.event_index") == [(5, 21)]
    checkpoint(platform, datetime.now(UTC))
    found = verify(platform, datetime.now(UTC))
    assert (found.ok, found.anchors, found.rows) == (True, 1, 5)
    assert trail.append(entry()) == (1, 0, 0, 26)
    assert is_whole(platform)


def test_nothing_is_dropped_without_a_signed_anchor(trail: Trail) -> None:
    age(trail)
    with pytest.raises(PermanentError, match="no signed anchor"):
        drop(trail, oldest(trail))


def test_an_anchor_that_says_less_than_is_there_does_not_do(trail: Trail, platform: Settings) -> None:
    age(trail)
    with trail.connect("telemetry_owner") as connection:
        connection.execute(
            "INSERT INTO audit.anchors SELECT 'audit_logs_2018_03', '2018-03-01', '2018-04-01', 1, 19, 19, "
            "l.prev_hash, "
            "l.row_hash, now(), 'x', decode(repeat('00', 64), 'hex') FROM audit.audit_logs l WHERE l.seq = 19"
        )
    with pytest.raises(PermanentError, match="no signed anchor"):
        drop(trail, oldest(trail))
    with pytest.raises(PermanentError, match="does not say what it holds"):
        sign(trail, platform, oldest(trail))
    checkpoint(platform, datetime.now(UTC))
    assert "not signed by a key that counts" in str(verify(platform, datetime.now(UTC)).reason)


def test_what_is_not_whole_is_not_signed_away(trail: Trail, platform: Settings) -> None:
    age(trail)
    with trail.connect("postgres") as admin:
        admin.execute("SET event_triggers = off")
        admin.execute("ALTER TABLE audit.audit_logs_2018_03 DISABLE TRIGGER USER")
        admin.execute("UPDATE audit.audit_logs_2018_03 SET outcome = 'denied' WHERE seq = 7")
    with pytest.raises(PermanentError, match="not whole at 7"):
        sign(trail, platform, oldest(trail))


def test_a_partition_that_is_not_expired_is_not_signed_and_stays(trail: Trail, platform: Settings) -> None:
    trail.append(entry())
    present = oldest(trail)
    with pytest.raises(PermanentError, match="is not expired"):
        sign(trail, platform, present)
    with trail.connect("telemetry_owner") as owner:
        owner.execute(
            "INSERT INTO audit.anchors SELECT %s, %s, %s, 1, 1, 1, prev_hash, row_hash, now(), 'k', "
            "decode(repeat('00', 64), 'hex') FROM audit.audit_logs",
            [present.name, present.begins, present.ends],
        )
    with pytest.raises(PermanentError, match="is not expired"):
        drop(trail, present)
    assert trail.rows("SELECT count(*) FROM audit.audit_logs") == [(1,)]


@pytest.mark.parametrize("partition", ["audit_logs_2099_01", "head", None])
def test_an_anchor_of_what_is_no_partition_is_not_stored(trail: Trail, partition: str | None) -> None:
    with trail.connect("telemetry_retention") as connection:
        with pytest.raises(PermanentError, match="no partition"):
            connection.execute(
                "SELECT audit.store_anchor(%s, 1, 1, 1, repeat('0', 64), repeat('1', 64), now(), 'k', "
                "decode(repeat('00', 64), 'hex'))",
                [partition],
            )
        with pytest.raises(PermanentError, match="42501"):
            connection.execute("INSERT INTO audit.anchors (partition_name) VALUES ('x')")


def test_e44_a_hold_keeps_the_trail_until_it_is_released(trail: Trail, platform: Settings) -> None:
    age(trail)
    partition = oldest(trail)
    sign(trail, platform, partition)
    with trail.connect("telemetry_owner") as owner:
        owner.execute(
            "INSERT INTO privacy.legal_holds (hold_id, org_id, subject_hash, placed_at, why) "
            "VALUES (gen_random_uuid(), 'clinic-1', repeat('a', 64), now(), 'a dispute')"
        )
    with pytest.raises(PermanentError, match="a legal hold is in force"):
        drop(trail, partition)
    with trail.connect("telemetry_owner") as owner:
        owner.execute("UPDATE privacy.legal_holds SET released_at = now()")
    assert drop(trail, partition) == 20


@pytest.mark.parametrize("name", ["head", "audit_logs", "audit_logs_2018_03; DROP TABLE audit.head", "", None])
def test_what_is_no_partition_is_refused(trail: Trail, name: str | None) -> None:
    for table in ("audit", "security"):
        with trail.connect("telemetry_retention") as connection, pytest.raises(PermanentError, match="no partition"):
            connection.execute(f"SELECT {table}.drop_partition(%s)".encode(), [name])


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"telemetry_retention", "telemetry_owner"}])
def test_only_retention_may_call_it(trail: Trail, role: str) -> None:
    for table in ("audit", "security"):
        with trail.connect(role) as connection, pytest.raises(PermanentError, match="42501"):
            connection.execute(f"SELECT {table}.drop_partition('x')".encode())


def test_partitions_of_other_tables_are_not_asked_for(trail: Trail, platform: Settings) -> None:
    with trail.connect("telemetry_retention") as connection:
        with pytest.raises(ContractViolationError):
            partitions(connection, "privacy.subjects")
        with pytest.raises(ContractViolationError):
            anchor(platform, connection, oldest(trail, SECURITY), datetime.now(UTC))


def test_a_policy_under_six_years_cannot_be_written_and_not_set(trail: Trail, platform: Settings) -> None:
    with trail.connect("telemetry_owner") as owner, pytest.raises(PermanentError, match="trail_is_kept_for_six_years"):
        owner.execute(
            "INSERT INTO audit.policy (table_name, amount, unit, counted_from, since, why) "
            "VALUES ('audit.audit_logs', 5, 'year', 'recorded_at', now(), 'space')"
        )
    given = platform.model_dump()
    given["retention"]["audit_years"] = 5
    with pytest.raises(ValueError, match="kept for 6 years at least"):
        type(platform)(**given)


def test_a_body_is_blanked_with_an_entry_that_says_so_and_the_chain_holds(trail: Trail, platform: Settings) -> None:
    trail.append(entry(details='{"mail": "somebody"}'), entry(details='{"n": 1}'))
    assert is_whole(platform)
    place = redact(platform, 1, "held a mail address", by=ActedBy("officer", "staff"), now=datetime.now(UTC))
    assert place == 3
    assert trail.rows("SELECT seq, body FROM audit.details ORDER BY seq") == [
        (1, None),
        (2, {"n": 1}),
        (3, {"seq": 1, "why": "held a mail address"}),
    ]
    assert trail.rows("SELECT action FROM audit.audit_logs WHERE seq = 3") == [(AUDIT_REDACTED.name,)]
    assert is_whole(platform)


def test_what_says_that_details_were_blanked_is_not_blanked(trail: Trail, platform: Settings) -> None:
    trail.append(entry(details='{"mail": "somebody"}'))
    place = redact(platform, 1, "held a mail address", by=ActedBy("officer", "staff"), now=datetime.now(UTC))
    with pytest.raises(PermanentError, match="it stays"):
        redact(platform, place, "again", by=ActedBy("officer", "staff"), now=datetime.now(UTC))
    assert is_whole(platform)


def test_since_a_moment_whose_rows_were_dropped_begins_at_the_first_row(trail: Trail, platform: Settings) -> None:
    age(trail)
    assert is_whole(platform)
    then = datetime.now(UTC)
    trail.append(entry())
    partition = oldest(trail)
    sign(trail, platform, partition)
    drop(trail, partition)
    checkpoint(platform, datetime.now(UTC))
    found = verify(platform, datetime.now(UTC), Scope(SINCE, then))
    assert (found.reason, found.anchors, found.rows) == (None, 1, 1)


def test_a_redaction_that_blanks_nothing_leaves_no_entry(trail: Trail, platform: Settings) -> None:
    trail.append(entry())
    for seq in (1, 2):
        with pytest.raises(PermanentError, match="no details that could be blanked"):
            redact(platform, seq, "why", by=ActedBy("officer", "staff"), now=datetime.now(UTC))
    with pytest.raises(ContractViolationError):
        redact(platform, 1, " ", by=ActedBy(), now=datetime.now(UTC))
    without = platform.model_copy(update={"postgres": platform.postgres.model_copy(update={"retention_url": None})})
    with pytest.raises(ConfigurationError):
        redact(without, 1, "why", by=ActedBy(), now=datetime.now(UTC))
    assert trail.rows("SELECT count(*) FROM audit.audit_logs") == [(1,)]


def test_a_body_is_changed_by_nobody_and_blanked_by_hand_neither(trail: Trail) -> None:
    trail.append(entry(details='{"n": 1}'))
    for role in ("telemetry_owner", "postgres"):
        for change in ("body = NULL", "body = '{}'"):
            with trail.connect(role) as connection, pytest.raises(PermanentError, match="append-only"):
                connection.execute(f"UPDATE audit.details SET {change}".encode())  # noqa: S608 - of this test
