"""The drain job on real engines: what lands, what Dagster is told, and what it never hears."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.landing.drain import DRAINED_TAG
from telemetry_platform.settings import load
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.defs import entries
from telemetry_platform_tests.defs.front_door import definitions, drain_until_idle

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

MEDIA_EVENTS = dg.AssetKey(["clickhouse", "media_events"])
MEDIA_SESSIONS = dg.AssetKey(["clickhouse", "media_sessions"])
AUDIT_LOGS = dg.AssetKey(["postgres", "audit", "audit_logs"])
DROPS = dg.AssetKey(["clickhouse", "consent_drops"])
STALLS = dg.AssetKey(["clickhouse", "media_buffering_events"])


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def test_a_drain_tells_each_table_that_got_rows_and_leaves_the_others_alone(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    entries.add(settings, *(entries.media(number) for number in range(20)), entries.access(1), entries.drop(1))

    result = drain_until_idle(instance)

    told = {event.asset_key: event.materialization for event in result.get_asset_materialization_events()}
    assert set(told) == {MEDIA_EVENTS, MEDIA_SESSIONS, AUDIT_LOGS, DROPS, HEARTBEAT}
    assert told[MEDIA_EVENTS].metadata["dagster/row_count"].value == 20
    assert told[MEDIA_EVENTS].metadata["rows_stored"].value == 20
    assert told[MEDIA_SESSIONS].metadata["dagster/row_count"].value == 2
    assert told[AUDIT_LOGS].metadata["dagster/row_count"].value == 1
    assert told[HEARTBEAT].metadata["entries_drained"].value == 22
    assert "| media | 1 | consent_too_low | 1 |" in str(told[HEARTBEAT].metadata["drops_by_reason"].value)
    checked = {(check.asset_key, check.check_name): check.passed for check in result.get_asset_check_evaluations()}
    assert checked == {
        (MEDIA_EVENTS, "pii_is_hashed"): True,
        (MEDIA_EVENTS, "consent_is_respected"): True,
        (MEDIA_SESSIONS, "pii_is_hashed"): True,
        (MEDIA_SESSIONS, "consent_is_respected"): True,
        (AUDIT_LOGS, "pii_is_hashed"): True,
        (DROPS, "pii_is_hashed"): True,
    }


def test_a_drain_of_an_empty_queue_beats_and_materialises_nothing(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    result = drain_until_idle(instance)

    assert [event.asset_key for event in result.get_asset_materialization_events()] == [HEARTBEAT]
    assert settings.drain.lease_seconds == 2


def test_a_re_sent_event_is_counted_as_a_duplicate(settings: Settings, instance: dg.DagsterInstance) -> None:
    first, again = entries.media(1), entries.media(1)
    entries.add(settings, first)
    drain_until_idle(instance)
    entries.add(settings, replace(first, producer_seq=3), entries.media(2))

    result = drain_until_idle(instance)

    told = {event.asset_key: event.materialization.metadata for event in result.get_asset_materialization_events()}
    assert told[MEDIA_EVENTS]["rows_stored"].value == 1
    assert told[MEDIA_EVENTS]["duplicates_left_out"].value == 1
    assert told[MEDIA_EVENTS]["entries_drained"].value == 2
    assert told[MEDIA_EVENTS]["dagster/row_count"].value == 2
    assert again.event_id == first.event_id


def test_nothing_of_an_event_reaches_dagster(settings: Settings, instance: dg.DagsterInstance) -> None:
    secret = "ana.popescu@example.org"
    broken = replace(entries.media(1), body=b'{"error_message": "' + secret.encode() + b'", ')
    entries.add(settings, broken, entries.media(2))

    result = drain_until_idle(instance)

    logs = [str(entry) for entry in instance.all_logs(result.run_id)]
    assert len(logs) > 10
    assert not [line for line in logs if secret in line]
    assert not [line for line in logs if entries.media(2).actor_hash in line]
    beat = next(event for event in result.get_asset_materialization_events() if event.asset_key == HEARTBEAT)
    assert beat.materialization.metadata["dead_lettered"].value == 1
    assert "| media_events | 1 | 0 | 0 | 0 | 0 | 1 |" in str(beat.materialization.metadata["entries_by_table"].value)


def test_every_clickhouse_query_of_a_run_names_it(settings: Settings, instance: dg.DagsterInstance) -> None:
    entries.add(settings, entries.media(1))
    result = drain_until_idle(instance)

    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.command("SYSTEM FLUSH LOGS")
        found = warehouse.client.scalar(
            "SELECT count() FROM system.query_log WHERE JSONExtractString(log_comment, 'run_id') = {run_id:String} "
            "AND JSONExtractString(log_comment, 'job') = 'drain_landing' AND query_kind = 'Insert'",
            {"run_id": result.run_id},
        )
    assert found > 0


def test_selected_checks_look_without_draining(settings: Settings, instance: dg.DagsterInstance) -> None:
    entries.add(settings, entries.media(1))
    # As its schedule does every five minutes: a trail whose end nobody has signed is not called whole.
    definitions().resolve_job_def("checkpoint_trail").execute_in_process(instance=instance)

    result = definitions().resolve_job_def("check_tables").execute_in_process(instance=instance)

    assert not result.get_asset_materialization_events()
    evaluations = result.get_asset_check_evaluations()
    assert len(evaluations) == len(definitions().resolve_asset_graph().asset_check_keys)
    assert all(check.passed for check in evaluations)
    waiting = next(
        check
        for check in evaluations
        if check.asset_key == dg.AssetKey(["landing", "media"]) and check.check_name == "queue_is_drained"
    )
    assert waiting.metadata["entries"].value == 1


def test_a_run_says_when_it_is_done_with_draining(settings: Settings, instance: dg.DagsterInstance) -> None:
    entries.add(settings, entries.media(1))
    looked = definitions().resolve_job_def("check_tables").execute_in_process(instance=instance)
    drained = drain_until_idle(instance)

    for result in (looked, drained):
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        assert run.tags[DRAINED_TAG] == "true"


def test_a_step_is_tried_again_only_as_long_as_its_run_has_time(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        monkeypatch.setenv("TELEMETRY_CLICKHOUSE__URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        # Time for one more try after ten seconds' wait, and not for two.
        monkeypatch.setenv("TELEMETRY_DRAIN__BUDGET_SECONDS", "48")
        load.cache_clear()
        entries.add(settings, entries.media(1))
        result = drain_until_idle(instance, raise_on_error=False)

    assert not result.success
    retries = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY]
    assert len(retries) == 1


def test_two_tables_may_be_reported_alone(settings: Settings, instance: dg.DagsterInstance) -> None:
    entries.add(settings, entries.media(1), entries.access(1))

    result = drain_until_idle(instance, only=[AUDIT_LOGS])

    assert [event.asset_key for event in result.get_asset_materialization_events()] == [AUDIT_LOGS]
