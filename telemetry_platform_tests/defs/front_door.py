"""The definitions, made once, and jobs run in this process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from telemetry_platform.definitions import defs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dagster as dg

_UNTIL_IDLE = {"ops": {"drain_streams": {"config": {"until_idle": True}}}}


@lru_cache(maxsize=1)
def definitions() -> dg.Definitions:
    """Everything; settings are read when something runs."""
    return defs()


def drain_until_idle(
    instance: dg.DagsterInstance, only: Sequence[dg.AssetKey] | None = None, *, raise_on_error: bool = True
) -> dg.ExecuteInProcessResult:
    """Run the drain job until the queue is empty."""
    job = definitions().resolve_job_def("drain_landing")
    return job.execute_in_process(
        instance=instance, run_config=_UNTIL_IDLE, asset_selection=only, raise_on_error=raise_on_error
    )


def check(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> tuple[dg.AssetCheckEvaluation, str]:
    """Run one check by itself; its evaluation and the run's id."""
    job = definitions().resolve_job_def("check_tables")
    subset = job.get_subset(asset_check_selection={key}, asset_selection=set())
    result = subset.execute_in_process(instance=instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.asset_key, evaluation.check_name) == (key.asset_key, key.name)
    return evaluation, result.run_id
