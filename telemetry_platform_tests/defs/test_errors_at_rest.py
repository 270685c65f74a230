"""What Dagster keeps of an error: every function that it calls tells of errors without a value of an event."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import BaseModel

from telemetry_platform.defs.safe_errors import is_guarded, safely
from telemetry_platform.errors import PermanentError
from telemetry_platform_tests.defs.front_door import definitions

SECRET = "ana.popescu@example.org"


class Visit(BaseModel):
    patient: int


def plain() -> None:
    raise RuntimeError(f"no plan of {SECRET}")


def as_a_cause() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise PermanentError("the row does not fit its table") from error


def as_a_context() -> None:
    try:
        int(SECRET)
    except ValueError:
        raise RuntimeError("while it was handled")  # noqa: B904 - the context is what is tested


def as_a_key() -> None:
    dict[str, str]()[SECRET]


def in_a_validation_error() -> None:
    Visit.model_validate({"patient": SECRET})


def in_a_note() -> None:
    error = RuntimeError("no plan")
    error.add_note(SECRET)
    raise error


def in_a_group() -> None:
    raise ExceptionGroup(SECRET, [ValueError(SECRET)])


WAYS = [plain, as_a_cause, as_a_context, as_a_key, in_a_validation_error, in_a_note, in_a_group]


def _functions() -> Iterator[tuple[str, Any]]:
    """What Dagster calls of ours, by name."""
    found = definitions()
    repository = found.get_repository_def()
    for name in repository.job_names:
        for node in repository.get_job(name).all_node_defs:
            if isinstance(node, dg.OpDefinition):
                yield f"op {node.name}", getattr(node.compute_fn, "decorated_fn", node.compute_fn)
    for sensor in repository.sensor_defs:
        yield f"sensor {sensor.name}", sensor._raw_fn  # noqa: SLF001 - Dagster tells it nowhere else
    for schedule in repository.schedule_defs:
        evaluation = schedule._execution_fn  # noqa: SLF001 - same
        if (function := getattr(evaluation, "decorated_fn", None)) is not None:
            yield f"schedule {schedule.name}", function


def test_every_function_that_dagster_calls_is_guarded() -> None:
    found = dict(_functions())
    assert {"op drain_streams", "op dead_letters", "sensor landing_has_events", "schedule quiet_drains"} <= found.keys()
    assert [name for name, function in found.items() if not is_guarded(function)] == []


@pytest.fixture
def failing_job() -> dg.JobDefinition:
    """One step for each way in which an error can hold something."""

    def step(way: Callable[[], None]) -> dg.OpDefinition:
        @dg.op(name=way.__name__)
        @safely
        def fail() -> None:
            way()

        return fail

    steps = [step(way) for way in WAYS]

    @dg.op(name="as_a_generator", out=dg.Out(int))
    @safely
    def generator() -> Iterator[dg.Output[int]]:
        plain()
        yield dg.Output(1)

    @dg.job(name="failing")
    def job() -> None:
        for one in (*steps, generator):
            one()

    return job


def test_neither_the_event_log_nor_the_captured_output_holds_what_an_error_was_made_of(
    failing_job: dg.JobDefinition, home: Path, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    result = failing_job.execute_in_process(instance=instance, raise_on_error=False)
    failures = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    assert len(failures) == len(WAYS) + 1
    told = [event.step_failure_data.error.to_string() for event in failures if event.step_failure_data.error]
    assert sum("KeyError in test_errors_at_rest.py" in text for text in told) == 1
    assert sum("ValidationError in " in text for text in told) == 1
    kept = [str(entry) for entry in instance.all_logs(result.run_id)]
    assert kept
    assert not [entry for entry in kept if SECRET in entry]
    shown = capfd.readouterr()
    assert SECRET not in shown.out + shown.err
    files = [file for file in home.rglob("*") if file.is_file()]
    assert files
    assert [file.name for file in files if SECRET.encode() in file.read_bytes()] == []


def test_the_same_search_finds_what_an_unguarded_function_tells(home: Path, instance: dg.DagsterInstance) -> None:
    @dg.op
    def fail() -> None:
        plain()

    @dg.job(name="unguarded")
    def job() -> None:
        fail()

    result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert [entry for entry in instance.all_logs(result.run_id) if SECRET in str(entry)]
    assert [file for file in home.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]


def test_a_tick_that_fails_tells_nothing() -> None:
    @dg.sensor(job_name="failing", name="looks")
    @safely
    def looks(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        as_a_key()
        return dg.SkipReason(str(context))

    with dg.DagsterInstance.ephemeral() as instance, pytest.raises(Exception, match="KeyError in") as raised:
        looks.evaluate_tick(dg.build_sensor_context(instance=instance))
    chain: BaseException | None = raised.value
    while chain is not None:
        assert SECRET not in str(chain)
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)


def test_a_try_that_may_be_repeated_is_asked_for_as_before() -> None:
    @safely
    def again() -> None:
        raise dg.RetryRequested(max_retries=2)

    with pytest.raises(dg.RetryRequested) as raised:
        again()
    assert raised.value.max_retries == 2
