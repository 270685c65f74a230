"""Verification on the real engine: tamperings are found and located, and the trail survives what is lawful."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.errors import PermanentError
from telemetry_platform.processing.audit_chain import row_form, row_hash
from telemetry_platform.stores import verifications
from telemetry_platform.usecases.verify_audit import INCREMENTAL, SINCE
from telemetry_platform_tests.stores.trail import Trail, append, entry, trail_of
from telemetry_platform_tests.usecases.tampering import ROWS, fill, look, see, tamper

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings


@pytest.fixture
def platform(trail_platform: Settings) -> Settings:
    return trail_platform


@pytest.fixture
def trail(engines: PlatformHandle, platform: Settings) -> Trail:
    return trail_of(engines, platform)


def recomputed(trail: Trail, first: int) -> None:
    """Rewrite all rows from a place on, every hash made anew, as whoever knows the code would."""
    rows = trail.rows("SELECT to_jsonb(l) - 'prev_hash' - 'row_hash', l.* FROM audit.audit_logs l ORDER BY seq")
    names = [column[0] for column in _columns(trail)]
    before, statements = "0" * 64, []
    for row in rows:
        values = dict(zip(names, row[1:], strict=True))
        if values["seq"] >= first:
            values["outcome"] = "denied"
        made = row_hash(before, row_form(values))
        statements.append(
            f"UPDATE audit.audit_logs SET outcome = '{values['outcome']}', prev_hash = '{before}', row_hash = '{made}' "  # noqa: S608 - of this test
            f"WHERE seq = {values['seq']}"
        )
        before = made
    tamper(trail, *statements, f"UPDATE audit.head SET row_hash = '{before}'")  # noqa: S608 - as above


def _columns(trail: Trail) -> list[tuple[Any, ...]]:
    return trail.rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'audit.audit_logs'::regclass AND attnum > 0 "
        "AND NOT attisdropped ORDER BY attnum"
    )


def test_a_trail_is_whole(trail: Trail, platform: Settings) -> None:
    fill(trail)
    see(platform)
    found = look(platform)
    assert (found.ok, found.rows, found.to_seq, found.checkpoints) == (True, ROWS, ROWS, 1)
    with trail.connect("telemetry_read") as connection:
        assert verifications.newest(connection) == found


def test_an_empty_trail_is_whole(trail: Trail, platform: Settings) -> None:
    see(platform)
    assert look(platform).ok
    fill(trail, 10)
    see(platform)
    assert (look(platform).ok, look(platform).checkpoints) == (True, 2)


def test_e46_nanoseconds_floats_key_order_and_other_alphabets_verify(trail: Trail, platform: Settings) -> None:
    happened = 1_771_322_400_123  # 2026-02-17T10:00:00.123456789Z, in the milliseconds that entries have
    details = '{"b": 0.1, "a": "Überprüfung \\u0438 \\u65e5\\u672c", "c": {"z": 1e-7, "y": null}}'
    trail.append(entry(occurred_at=happened, details=details, region=None))
    see(platform)
    assert look(platform).ok
    ((row, form, before, after),) = trail.rows(
        "SELECT to_jsonb(l), audit.canonical(seq, event_id, occurred_at, recorded_at, actor_hash, key_epoch, "
        "actor_type, "
        "org_id, action, resource_type, resource_id_hash, method, path, status_code, outcome, ip_truncated, "
        "country_code, "
        "region, device_type, details_hash), prev_hash, row_hash FROM audit.audit_logs l",
        role="telemetry_owner",
    )
    assert row["prev_hash"] == before
    assert row_hash(before, form) == after
    (values,) = trail.rows("SELECT * FROM audit.audit_logs")
    names = [column[0] for column in _columns(trail)]
    assert row_form(dict(zip(names, values, strict=True))) == form


def test_e47_fifty_writers_from_an_empty_table_make_one_chain(trail: Trail, platform: Settings) -> None:
    def write(number: int) -> None:
        with trail.connect("telemetry_ingest", autocommit=False) as connection:
            for _ in range(100):
                append(connection, entry(), stream=f"telemetry:landing:audit:{number}")
                connection.commit()

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(write, range(50)))
    assert trail.rows("SELECT count(*), min(seq), max(seq), count(DISTINCT prev_hash) FROM audit.audit_logs") == [
        (5000, 1, 5000, 5000)
    ]
    see(platform)
    assert look(platform).ok


@pytest.mark.parametrize(
    ("changes", "first_bad"),
    [
        (["UPDATE audit.audit_logs SET outcome = 'denied' WHERE seq = 57"], 57),
        (["UPDATE audit.audit_logs SET occurred_at = occurred_at + interval '1 microsecond' WHERE seq = 57"], 57),
        (["DELETE FROM audit.audit_logs WHERE seq = 57"], 57),
        (["DELETE FROM audit.audit_logs WHERE seq BETWEEN 1 AND 3"], 1),
        (["UPDATE audit.audit_logs SET seq = 1000 WHERE seq = 57"], 57),
        (["UPDATE audit.audit_logs SET recorded_at = recorded_at + interval '1 second' WHERE seq = 57"], 57),
        (["UPDATE audit.audit_logs SET recorded_at = '2026-01-01' WHERE seq = -1", "SELECT 1"], None),
        (
            [
                (
                    "INSERT INTO audit.audit_logs SELECT (made).* FROM (SELECT l FROM audit.audit_logs l WHERE "
                    "seq = 40) s, "
                    "LATERAL jsonb_populate_record(s.l, jsonb_build_object('seq', 57, 'event_id', gen_random_uuid(), "
                    "'recorded_at', (SELECT recorded_at FROM audit.audit_logs WHERE seq = 50))) AS made"
                )
            ],
            57,
        ),
        (["UPDATE audit.details SET body = '{\"n\": 1000}' WHERE seq = 58"], 58),
        (["UPDATE audit.details SET body = NULL WHERE seq = 58"], 58),
        (["DELETE FROM audit.details WHERE seq = 58"], 58),
        (["DELETE FROM audit.audit_logs WHERE seq >= 98"], 98),
        (
            [
                "DELETE FROM audit.audit_logs WHERE seq >= 98",
                "UPDATE audit.head SET seq = 97, row_hash = (SELECT row_hash FROM audit.audit_logs WHERE seq = 97)",
            ],
            98,
        ),
        (["DELETE FROM audit.audit_logs"], 1),
    ],
    ids=[
        "edited",
        "edited by a microsecond",
        "deleted",
        "first deleted",
        "renumbered",
        "moved back in time",
        "nothing",
        "inserted",
        "details edited",
        "details blanked",
        "details deleted",
        "tail cut",
        "tail cut and the head with it",
        "emptied",
    ],
)
def test_e50_a_tampering_is_located(
    trail: Trail, platform: Settings, changes: list[str], first_bad: int | None
) -> None:
    fill(trail)
    see(platform)
    tamper(trail, *changes)
    found = look(platform)
    assert (found.ok, found.first_bad_seq) == (first_bad is None, first_bad), found.reason


def test_e50_a_chain_that_was_made_anew_is_found_by_the_checkpoint_before_it(trail: Trail, platform: Settings) -> None:
    fill(trail, 50)
    see(platform)
    fill(trail, 50)
    see(platform)
    recomputed(trail, 57)
    found = look(platform)
    assert (found.ok, found.first_bad_seq) == (False, 51), found.reason
    assert found.reason is not None
    assert "checkpoint 2" in found.reason


def test_nothing_is_signed_over_a_tampered_trail(trail: Trail, platform: Settings) -> None:
    fill(trail)
    see(platform)
    recomputed(trail, 57)
    fill(trail, 10)
    with pytest.raises(PermanentError, match="does not hold what checkpoint 1 saw"):
        see(platform)


@pytest.mark.parametrize(("seq", "row_hash"), [(5000, "0" * 64), (10, "a" * 64)])
def test_a_head_that_is_no_row_is_not_signed(trail: Trail, platform: Settings, seq: int, row_hash: str) -> None:
    fill(trail, 10)
    with trail.connect("telemetry_owner") as owner:
        owner.execute("UPDATE audit.head SET seq = %s, row_hash = %s", [seq, row_hash])
    with pytest.raises(PermanentError, match="nothing was signed"):
        see(platform)


def test_incremental_begins_at_the_last_checkpoint_that_was_verified(trail: Trail, platform: Settings) -> None:
    fill(trail)
    see(platform)
    assert look(platform, INCREMENTAL).from_seq == 1, "nothing was verified before"
    fill(trail, 20)
    see(platform)
    found = look(platform, INCREMENTAL)
    assert (found.ok, found.from_seq, found.to_seq, found.rows) == (True, ROWS + 1, ROWS + 20, 20)
    tamper(trail, "UPDATE audit.audit_logs SET outcome = 'failure' WHERE seq = 110")
    fill(trail, 10)
    assert look(platform, INCREMENTAL).ok, "what was verified once is looked at by the full verification"
    assert look(platform).first_bad_seq == 110


@pytest.mark.parametrize(("seq", "reason"), [(2, "it was written without its details"), (999, "details of no row")])
def test_details_that_were_added_are_found(trail: Trail, platform: Settings, seq: int, reason: str) -> None:
    fill(trail, 10)
    see(platform)
    with trail.connect("telemetry_owner") as owner:
        # Nothing refuses to add: readers would be shown it beside the row.
        owner.execute("INSERT INTO audit.details VALUES (%s, %s, %s)", [seq, b"\0" * 32, '{"n": "forged"}'])
    found = look(platform)
    assert (found.ok, found.first_bad_seq, found.reason) == (False, seq, reason)


def test_since_begins_at_the_checkpoint_before_that_moment(trail: Trail, platform: Settings) -> None:
    fill(trail, 50)
    see(platform)
    between = datetime.now(UTC)
    fill(trail, 50)
    see(platform)
    found = look(platform, SINCE, between)
    assert (found.ok, found.from_seq, found.rows) == (True, 51, 50)
    assert look(platform, SINCE, between - timedelta(days=1)).from_seq == 1
