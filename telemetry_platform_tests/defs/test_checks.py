"""Checks look at the tables: rows that were put there by hand turn them red, a table that is gone makes them raise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.defs.events.checks import AFTER_A_DRAIN, check_result
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import postgres, redis
from telemetry_platform.stores.tables_at_rest import open_tables
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.defs import entries
from telemetry_platform_tests.defs.front_door import check, drain_until_idle

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

MEDIA_EVENTS = dg.AssetKey(["clickhouse", "media_events"])
ERROR_EVENTS = dg.AssetKey(["clickhouse", "error_events"])
AUDIT_LOGS = dg.AssetKey(["postgres", "audit", "audit_logs"])
SECURITY_EVENTS = dg.AssetKey(["postgres", "security", "security_events"])
EMAIL = "ana.popescu@example.org"
COLUMNS = {
    "event_id": "generateUUIDv4()",
    "occurred_at": "now64(3)",
    "received_at": "now64(3)",
    "org_id": "'clinic-1'",
    "actor_hash": f"'{entries.digest('person')}'",
    "key_epoch": "1",
    "ip_truncated": "'198.51.100.0'",
    "consent_level": "2",
}


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    """Databases of the module, with no events in them."""
    with open_warehouse(module_platform.clickhouse) as warehouse:
        for table in ("media_events", "error_events"):
            warehouse.client.command(f"TRUNCATE TABLE {table}")
    return module_platform


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def look(instance: dg.DagsterInstance, key: dg.AssetKey, name: str) -> dg.AssetCheckEvaluation:
    return check(instance, dg.AssetCheckKey(key, name))[0]


def plant(settings: Settings, table: str, **values: str) -> None:
    """One row; values are SQL expressions."""
    row = COLUMNS | values
    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.command(f"INSERT INTO {table} ({', '.join(row)}) SELECT {', '.join(row.values())}")


def test_good_rows_are_green(settings: Settings, instance: dg.DagsterInstance) -> None:
    plant(settings, "media_events", media_id=f"'{entries.digest('medium')}'", error_message="'stalled after [email]'")
    plant(settings, "media_events", media_id=f"'{entries.digest('medium')}'", ip_truncated="'2001:db8:1::'")
    evaluation = look(instance, MEDIA_EVENTS, "pii_is_hashed")
    assert evaluation.passed
    assert evaluation.metadata["rows_looked_at"].value == 2
    assert look(instance, MEDIA_EVENTS, "consent_is_respected").passed


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_hash", EMAIL),
        ("actor_hash", "user-4711"),
        ("actor_hash", entries.digest("person").upper()),
        ("media_id", "knee-squat-2"),
        ("ip_truncated", "198.51.100.7"),
        ("ip_truncated", "2001:db8:1:2::"),
        ("ip_truncated", "198.51.100.0 "),
        ("error_message", f"player of {EMAIL} failed"),
        ("error_message", "no answer from 203.0.113.77"),
        ("resolution", EMAIL),
    ],
)
def test_a_raw_value_turns_the_check_red_and_is_not_repeated(
    settings: Settings, instance: dg.DagsterInstance, column: str, value: str
) -> None:
    hashed = {"media_id": f"'{entries.digest('medium')}'"}
    plant(settings, "media_events", **hashed)
    plant(settings, "media_events", **(hashed | {column: f"'{value}'"}))
    evaluation, run_id = check(instance, dg.AssetCheckKey(MEDIA_EVENTS, "pii_is_hashed"))
    assert not evaluation.passed
    assert [name for name in evaluation.metadata if name.startswith("wrong_in_")] == [f"wrong_in_{column}"]
    assert str(evaluation.metadata[f"wrong_in_{column}"].value).startswith("1 of ")
    assert not [entry for entry in instance.all_logs(run_id) if value in str(entry)]


@pytest.mark.parametrize(
    ("key", "level", "verdict"),
    [
        (MEDIA_EVENTS, 2, "green"),
        (MEDIA_EVENTS, 1, "red"),
        (MEDIA_EVENTS, 0, "red"),
        (ERROR_EVENTS, 1, "green"),
        (ERROR_EVENTS, 0, "red"),
    ],
)
def test_a_row_below_its_kinds_level_turns_the_check_red(
    settings: Settings, instance: dg.DagsterInstance, key: dg.AssetKey, level: int, verdict: str
) -> None:
    plant(settings, key.path[-1], consent_level=str(level))
    assert look(instance, key, "consent_is_respected").passed is (verdict == "green")


def test_a_check_that_cannot_look_raises(settings: Settings, instance: dg.DagsterInstance) -> None:
    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.command("RENAME TABLE error_events TO elsewhere")
        try:
            for name in ("pii_is_hashed", "consent_is_respected"):
                with pytest.raises(PermanentError, match="UNKNOWN_TABLE"):
                    look(instance, ERROR_EVENTS, name)
        finally:
            warehouse.client.command("RENAME TABLE elsewhere TO error_events")


def test_the_trail_is_looked_at_as_the_role_that_may_only_look(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    entries.add(settings, entries.access(1))
    drain_until_idle(instance)
    evaluation = look(instance, AUDIT_LOGS, "pii_is_hashed")
    assert evaluation.passed
    assert evaluation.metadata["rows_looked_at"].value == 1

    # The drain's own role may write the trail and not read it: without the other one the check raises.
    without = settings.model_copy(update={"postgres": settings.postgres.model_copy(update={"read_url": None})})
    key = dg.AssetCheckKey(AUDIT_LOGS, "pii_is_hashed")
    with (
        open_tables(without, Store.POSTGRES, log_comment="test") as tables,
        pytest.raises(PermanentError, match="42501"),
    ):
        check_result(key, tables, since=datetime.now(UTC) - AFTER_A_DRAIN)


def test_a_raw_value_in_the_trail_turns_the_check_red(settings: Settings, instance: dg.DagsterInstance) -> None:
    owner = settings.postgres.owner_url
    assert owner is not None
    with postgres.connect(owner.get_secret_value(), autocommit=True) as connection:
        connection.execute("SELECT audit.ensure_partitions(1)")
        connection.execute(
            "INSERT INTO audit.audit_logs (seq, event_id, occurred_at, recorded_at, actor_hash, key_epoch, actor_type, "
            "org_id, action, resource_type, outcome, path, prev_hash, row_hash) VALUES (1, gen_random_uuid(), now(), "
            "now(), '', 1, 'patient', 'clinic-1', 'media.view', 'media', 'success', %s, repeat('0', 64), "
            "repeat('1', 64))",
            [f"/v1/people/{EMAIL}"],
        )
        # What rests beside the row is looked at like the row.
        connection.execute(
            "INSERT INTO audit.details (seq, nonce, body) "
            "VALUES (1, sha256('nonce'), jsonb_build_object('to', %s::text))",
            [EMAIL],
        )
    evaluation = look(instance, AUDIT_LOGS, "pii_is_hashed")
    assert not evaluation.passed
    assert {"wrong_in_path", "wrong_in_details"} <= set(evaluation.metadata)


def test_a_raw_value_in_the_details_of_a_security_event_turns_the_check_red(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    owner = settings.postgres.owner_url
    assert owner is not None
    assert look(instance, SECURITY_EVENTS, "pii_is_hashed").passed
    with postgres.connect(owner.get_secret_value(), autocommit=True) as connection:
        connection.execute("SELECT security.ensure_partitions(1)")
        connection.execute(
            "INSERT INTO security.security_events (event_id, occurred_at, recorded_at, org_id, type, severity, "
            "actor_hash, key_epoch, details) VALUES (gen_random_uuid(), now(), now(), 'clinic-1', 'auth.failed', "
            "'low', '', 0, jsonb_build_object('tried', %s::text))",
            [EMAIL],
        )
    evaluation = look(instance, SECURITY_EVENTS, "pii_is_hashed")
    assert not evaluation.passed
    assert [name for name in evaluation.metadata if name.startswith("wrong_in_")] == ["wrong_in_details"]


def test_a_gap_that_stays_turns_its_queue_red(settings: Settings, instance: dg.DagsterInstance) -> None:
    key = dg.AssetKey(["landing", "media"])
    assert look(instance, key, "producers_have_no_gaps").passed
    with postgres.connect(settings.postgres, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ingest.producer_marks (stream, producer, high_water, seen, batch_id, updated_at, gap_since) "
            "VALUES ('telemetry:landing:media:0', 'api-1', 9, '{[1,4),[6,10)}', 'b', now(), now() - interval '2 min')"
        )
    evaluation = look(instance, key, "producers_have_no_gaps")
    assert not evaluation.passed
    assert evaluation.metadata["missing_entries"].value == 2
    assert look(instance, dg.AssetKey(["landing", "audit"]), "producers_have_no_gaps").passed


def test_an_entry_that_waits_too_long_turns_its_queue_red(settings: Settings, instance: dg.DagsterInstance) -> None:
    an_hour_ago = int((datetime.now(UTC).timestamp() - 3600) * 1000)
    with redis.connect(settings.redis) as client:
        client.xadd("telemetry:landing:media:0", {"v": 1}, id=f"{an_hour_ago}-0")
    evaluation = look(instance, dg.AssetKey(["landing", "media"]), "queue_is_drained")
    assert not evaluation.passed
    assert evaluation.metadata["entries"].value == 1
    assert look(instance, dg.AssetKey(["landing", "audit"]), "queue_is_drained").passed
