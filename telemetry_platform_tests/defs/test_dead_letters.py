"""Dead letters in Dagster: the job that replays and drops them, the check that they are rare, the run that stops."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from telemetry_platform.errors import ContractViolationError, PermanentError
from telemetry_platform.stores import dead_letters, postgres, redis
from telemetry_platform_tests.defs import entries
from telemetry_platform_tests.defs.front_door import check, definitions, drain_until_idle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.landing import LandingEntry
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.dead_letters import DeadLetter
    from telemetry_platform.stores.postgres import Connection

MEDIA_RARE = dg.AssetCheckKey(dg.AssetKey(["clickhouse", "media_events"]), "rejects_are_rare")
AUDIT_RARE = dg.AssetCheckKey(dg.AssetKey(["postgres", "audit", "audit_logs"]), "rejects_are_rare")
SECRET = "Popescu"


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Connection]:
    """The drain's ledger and the letters, both empty."""
    with postgres.connect(settings.postgres, autocommit=True) as connection:
        connection.execute("DELETE FROM privacy.dead_letters")
        connection.execute("DELETE FROM ingest.batches")
        yield connection


def broken(number: int) -> LandingEntry:
    """An event whose position is no number, and whose resolution names somebody."""
    good = entries.media(number)
    body = json.loads(good.body) | {"position_seconds": "abc", "resolution": SECRET}
    return replace(good, body=json.dumps(body).encode())


def letters(connection: Connection) -> list[DeadLetter]:
    return dead_letters.waiting(connection, limit=100)


def handle(instance: dg.DagsterInstance, **config: Any) -> dict[str, Any]:  # noqa: ANN401 - values of a configuration
    """What the run page shows after the job."""
    job = definitions().resolve_job_def("handle_dead_letters")
    result = job.execute_in_process(instance=instance, run_config={"ops": {"dead_letters": {"config": config}}})
    assert not [entry for entry in instance.all_logs(result.run_id) if SECRET in str(entry)]
    (output,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def test_the_job_counts_by_default_and_replays_when_it_is_told_to(
    ledger: Connection, settings: Settings, instance: dg.DagsterInstance
) -> None:
    entries.add(settings, broken(0), broken(1), *(entries.media(number) for number in range(10, 20)))
    drain_until_idle(instance)
    table = "| kind | reason | letters |\n| --- | --- | --- |\n| media | invalid_field | 2 |"

    assert handle(instance) == {"dry_run": True, "letters_chosen": 2, "letters_by_reason": table}
    assert handle(instance, kind="errors", dry_run=False)["queued_again"] == 0
    assert handle(instance, received_before_hours=1.0)["letters_chosen"] == 0
    assert handle(instance, received_within_hours=1.0, reason="invalid_field")["letters_chosen"] == 2
    assert len(letters(ledger)) == 2

    first = letters(ledger)[0].id
    assert handle(instance, ids=[first], dry_run=False)["queued_again"] == 1
    drain_until_idle(instance)
    assert [(letter.id, letter.attempts) for letter in letters(ledger)] == [(first, 2), (first + 1, 1)]


def test_a_drop_needs_a_reason_and_names_the_run(
    ledger: Connection, settings: Settings, instance: dg.DagsterInstance
) -> None:
    entries.add(settings, broken(20), *(entries.media(number) for number in range(30, 40)))
    drain_until_idle(instance)
    with pytest.raises(ContractViolationError, match="`why`"):
        handle(instance, action="drop", dry_run=False)
    (letter,) = letters(ledger)
    assert handle(instance, action="drop", why="a test of ours")["letters_chosen"] == 1
    assert letters(ledger) == [letter]
    assert handle(instance, action="drop", why="a test of ours", dry_run=False)["dropped"] == 1
    dropped = dead_letters.find(ledger, letter.id)
    assert dropped is not None
    assert (dropped.dropped_why, dropped.body) == ("a test of ours", "")
    assert str(dropped.dropped_by).startswith("dagster run ")


@pytest.mark.parametrize(("config", "said"), [({"kind": "medai"}, "audit"), ({"reason": "bad"}, "unreadable_body")])
def test_a_wrong_word_is_answered_with_the_choices(
    ledger: Connection, instance: dg.DagsterInstance, config: dict[str, str], said: str
) -> None:
    with pytest.raises(ContractViolationError, match=said):
        handle(instance, **config)
    assert not letters(ledger)


def test_rejects_turn_their_table_red_with_the_reasons(
    ledger: Connection, settings: Settings, instance: dg.DagsterInstance
) -> None:
    evaluation, _ = check(instance, MEDIA_RARE)
    assert evaluation.passed
    assert evaluation.description == "0 of 0 entries of the last 24 hours were not stored (0.00%; 0.10% are allowed)"

    again = entries.media(50)
    other = json.loads(again.body) | {"position_seconds": 99.0}
    # The very entry: made anew in another second it would say another time.
    entries.add(settings, again, *(entries.media(number) for number in range(51, 70)), broken(90))
    entries.add(settings, replace(again, body=json.dumps(other).encode()), again)
    drain_until_idle(instance)

    evaluation, _ = check(instance, MEDIA_RARE)
    assert not evaluation.passed
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    told = {name: value.value for name, value in evaluation.metadata.items()}
    assert told["entries"] == 23
    assert (told["dead_lettered"], told["id_conflicts"], told["too_late"]) == (1, 1, 0)
    assert told["dead_lettered_invalid_field"] == 1
    assert "`telemetry dead-letters list`" in str(evaluation.description)
    assert check(instance, AUDIT_RARE)[0].passed

    # A day later nothing of it is left.
    ledger.execute("UPDATE ingest.batches SET closed_at = closed_at - interval '25 hours'")
    ledger.execute("UPDATE privacy.dead_letters SET failed_at = failed_at - interval '25 hours'")
    assert check(instance, MEDIA_RARE)[0].passed


def test_many_rejects_are_an_error_and_within_the_share_they_are_none(
    ledger: Connection, instance: dg.DagsterInstance
) -> None:
    ledger.execute(
        "INSERT INTO ingest.batches (stream, batch_id, root_id, kind, state, fencing, entries, entry_ids, opened_at, "
        "closed_at, events, stored, dead_lettered, id_conflict, letters) VALUES ("
        "'telemetry:landing:media:0', 'b', 'b', 'media', 'acked', 1, 30000, '{}', now(), now(), 30000, 29970, 20, 10, "
        "20)"
    )
    assert check(instance, MEDIA_RARE)[0].passed
    ledger.execute("UPDATE ingest.batches SET entries = 2000, events = 2000, stored = 1970")
    evaluation, _ = check(instance, MEDIA_RARE)
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)


def test_the_check_raises_when_it_cannot_look(settings: Settings, instance: dg.DagsterInstance) -> None:
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value(), autocommit=True) as owner:
        owner.execute("ALTER TABLE privacy.dead_letters RENAME TO elsewhere")
        try:
            with pytest.raises(PermanentError, match="42P01"):
                check(instance, MEDIA_RARE)
        finally:
            owner.execute("ALTER TABLE privacy.elsewhere RENAME TO dead_letters")


def test_a_drain_over_the_invalid_share_fails_with_what_to_do_and_keeps_everything(
    ledger: Connection, settings: Settings, instance: dg.DagsterInstance
) -> None:
    entries.add(settings, *(broken(number) for number in range(100, 140)))
    result = drain_until_idle(instance, raise_on_error=False)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    error = failure.step_failure_data.error
    assert error is not None
    message = error.to_string()
    assert "40 of the last 40 entries of telemetry:landing:media:0 cannot be stored" in message
    assert "40 x invalid_field (position_seconds, resolution)" in message
    assert "telemetry schema status" in message
    assert not [entry for entry in instance.all_logs(result.run_id) if SECRET in str(entry)]
    assert not letters(ledger)
    with redis.connect(settings.redis) as client:
        assert client.xlen("telemetry:landing:media:0") == 40
        client.delete("telemetry:landing:media:0")
