"""Erasures from Dagster: the sensor sees one wait, the job carries it out, the check proves it, and nobody is named."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import dagster as dg
import pytest

from telemetry_platform.defs.compliance.erasures import erasures_wait
from telemetry_platform.defs.keys import HEARTBEAT
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores.erasures import CERTIFIED
from telemetry_platform_tests.defs.front_door import check, definitions
from telemetry_platform_tests.usecases.erased_person import actors, ask, found, rows_of
from telemetry_platform_tests.usecases.landing import drain_all, media_entry, queue, quick
from telemetry_platform_tests.usecases.old_keys import begin_at

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

GONE = dg.AssetCheckKey(HEARTBEAT, "erased_subjects_are_gone")
USER = "u-of-dagster"


@pytest.fixture
def platform(module_platform: Settings) -> Settings:
    return module_platform


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return shared_instance


def look(instance: dg.DagsterInstance) -> dg.SkipReason | dg.RunRequest:
    context = dg.build_sensor_context(instance=instance, resources={"platform": PlatformResource()})
    answer = erasures_wait(context)
    assert isinstance(answer, (dg.SkipReason, dg.RunRequest))
    return answer


def run(instance: dg.DagsterInstance, erasure_id: str = "") -> dict[str, object]:
    """The metadata of one run."""
    config = {"ops": {"erase_waiting": {"config": {"erasure_id": erasure_id}}}}
    job = definitions().resolve_job_def("erase_subjects")
    result = job.execute_in_process(instance=instance, run_config=config)
    (told,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    return {name: value.value for name, value in told.step_output_data.metadata.items()}


def test_an_erasure_is_seen_carried_out_and_proven(settings: Settings, instance: dg.DagsterInstance) -> None:
    begin_at(settings, settings.keys, datetime.now(UTC) - timedelta(days=20))
    assert isinstance(look(instance), dg.SkipReason)
    start = datetime.now(UTC) - timedelta(hours=1)
    row = media_entry(str(uuid4()), "heartbeat", start, position_seconds=1.0)
    mine = actors(settings, USER, epochs=(1,))[1]
    queue(settings, [type(row)(**{**vars(row), "actor_hash": mine})])
    drain_all(quick(settings))
    taken = ask(settings, USER)
    request = look(instance)
    assert isinstance(request, dg.RunRequest)
    # Nothing that says which or whose.
    assert not request.run_config
    deadline = time.monotonic() + 60
    metadata = run(instance, str(taken.erasure.erasure_id))
    while found(settings, taken).status != CERTIFIED:
        assert metadata["waiting_for"] in {"old parts go: 1", "nothing"}
        assert time.monotonic() < deadline
        time.sleep(0.5)
        metadata = run(instance)
    assert metadata["certified"] == 1
    assert rows_of(settings, USER, epochs=(1,)) == {}
    assert isinstance(look(instance), dg.SkipReason)
    evaluation, _ = check(instance, GONE)
    assert evaluation.passed
    assert evaluation.metadata["erasures"].value == 1
    stored = json.dumps([str(event) for record in instance.get_runs() for event in instance.all_logs(record.run_id)])
    for secret in (USER, mine, taken.subject_hash):
        assert secret not in stored


def test_what_is_no_reference_is_refused(settings: Settings, instance: dg.DagsterInstance) -> None:
    assert settings
    with pytest.raises(ContractViolationError, match="erasure_id"):
        run(instance, "u-42")
