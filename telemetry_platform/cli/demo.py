"""`telemetry demo`: a simulated day through the whole platform, and whether every number adds up.

Invariant: it always works on services of its own (profile `demo`, wiped at the start), whatever addresses the caller's
environment names: it reconciles whole tables, and must never write to a real server.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from telemetry_platform.cli.console import ServiceLines, out
from telemetry_platform.errors import TransientError
from telemetry_platform.settings import (
    ApiSettings,
    ClickHouseSettings,
    KeySettings,
    PostgresSettings,
    RedisSettings,
    Settings,
)

if TYPE_CHECKING:
    from telemetry_platform.cli.dagster_runs import DagsterCheck, DagsterRun
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.embedded.state import StateFolder
    from telemetry_platform.usecases.reconcile.expected import Line, Reconciliation

# Runs that end by themselves within the demo: the platform's own ten minutes would be cut off when it stops.
_DRAIN_BUDGET_SECONDS = 12.0
# Every kind has its contradictions, few as its events are: where an hour turns, a check would call that an incident.
_REJECT_RATIO = 0.05
_DRAIN_JOB = "drain_landing"
_STUCK_SECONDS = 120.0
_POLL_SECONDS = 0.5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="This machine")(demo)


def demo(
    *,
    patients: Annotated[int, typer.Option("--patients", min=1, help="How many patients.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed tells the same story.")] = 7,
) -> None:
    """Run a simulated day through the real path and reconcile it to the last event; exit code 1 when a number differs.

    Starts everything in the profile `demo` (wiped first), sends a day of every kind as browsers and the Core API would,
    waits until Dagster has drained the queue, compares what rests in the tables with what the simulator knows, and
    stops everything.
    """
    from telemetry_platform.embedded.platform import running_platform
    from telemetry_platform.usecases.reconcile.expected import Reconciliation

    begun = time.monotonic()
    out.print("Starting the platform (profile demo).")
    with running_platform("demo", given=_nothing_given(), extra=_local_settings, reporter=ServiceLines()) as handle:
        day = _day(handle, patients, seed)
        lines = (*day.lines, *_answers(handle), *_privacy(handle), *_compliance(handle))
        result = Reconciliation(lines, day.not_simulated)
        out.print("Stopping.")
    seconds = time.monotonic() - begun
    if result.differences:
        out.print(f"{len(result.differences)} numbers do not add up ({seconds:.0f} s):", markup=False)
        for line in result.differences:
            out.print(f"  {line.part}: {line.name}: expected {line.expected:,}, found {line.found:,}", markup=False)
        out.print("Everything was kept in .telemetry/demo: logs, truth, data.", markup=False)
        raise typer.Exit(1)
    out.print(f"All {len(result.lines)} numbers add up ({seconds:.0f} s).", markup=False)
    out.print(
        "Look around: `make up` starts the same and keeps it running, with the API's docs and the Dagster UI.\n"
        "Logs, truth and data of this run are in .telemetry/demo.",
        markup=False,
        soft_wrap=True,
    )


def _nothing_given() -> Settings:
    """Settings without addresses and secrets of the caller's."""
    parts = {
        "clickhouse": ClickHouseSettings(),
        "postgres": PostgresSettings(),
        "redis": RedisSettings(),
        "api": ApiSettings(),
        "keys": KeySettings(),
    }
    return Settings().model_copy(update=parts)


def _local_settings(state: "StateFolder") -> Mapping[str, Any]:
    """Where the simulated networks are, how long one run of the drain lives, and how rare rejects are."""
    from telemetry_platform.cli import demo_privacy
    from telemetry_platform.simulate.geo_database import write_geo_database

    database = write_geo_database(state.path / "geo.mmdb")
    return {
        "geo": {"database": str(database)},
        "keys": {"refresh_seconds": demo_privacy.REFRESH_SECONDS},
        "exclusions": {"refresh_seconds": demo_privacy.REFRESH_SECONDS},
        "drain": {"budget_seconds": _DRAIN_BUDGET_SECONDS, "reject_ratio": _REJECT_RATIO},
    }


def _day(handle: "PlatformHandle", patients: int, seed: int) -> "Reconciliation":
    """Simulate, wait, compare, and show."""
    from telemetry_platform.cli import demo_tables
    from telemetry_platform.cli.dagster_runs import dagster_checks
    from telemetry_platform.cli.simulate import event_progress
    from telemetry_platform.simulate.expected import read_expected
    from telemetry_platform.simulate.run import Scale, simulate
    from telemetry_platform.stores import postgres
    from telemetry_platform.stores.warehouse import open_warehouse
    from telemetry_platform.usecases.reconcile.expected import Reconciliation
    from telemetry_platform.usecases.reconcile.run import reconcile

    out.print(f"A day of {patients} patients (seed {seed}), sent as their browsers and the Core API would.")
    with event_progress("events") as progress:
        simulation = simulate(
            Scale(patients, seed=seed),
            base_url=handle.api_url,
            token=handle.settings.api.token,
            truth_folder=handle.state.path / "truth",
            progress=progress,
        )
    runs = _wait_until_drained(handle)
    demo_tables.show_runs(runs)
    dagster = _dagster_lines(runs, dagster_checks(handle.dagster_url))
    url = handle.settings.postgres.read_url or handle.settings.postgres.url
    with (
        open_warehouse(handle.settings.clickhouse, log_comment="telemetry demo") as warehouse,
        postgres.connect(url.get_secret_value()) as connection,
    ):
        found = reconcile(warehouse, connection, read_expected(simulation.truth))
        result = Reconciliation((*found.lines, *dagster), found.not_simulated)
        demo_tables.show_reconciliation(result)
        demo_tables.show_answers(warehouse)
    return result


def _answers(handle: "PlatformHandle") -> "list[Line]":
    """Whether figures, statistics and support's page say what the tables say."""
    from telemetry_platform.cli import demo_answers, demo_tables

    out.print("And what does it tell?")
    lines = demo_answers.answers_chapter(handle)
    demo_tables.show_lines(lines)
    out.print()
    return lines


def _privacy(handle: "PlatformHandle") -> "list[Line]":
    """What happens to people who do not want to be followed, and whether it did."""
    from telemetry_platform.cli import demo_privacy, demo_tables

    out.print("And what of those who do not want to be followed?")
    lines = demo_privacy.privacy_chapter(handle, lambda: _wait_until_drained(handle))
    demo_tables.show_lines(lines)
    return lines


def _compliance(handle: "PlatformHandle") -> "list[Line]":
    """Whether the trail is whole and a tampering found, and whether what is old enough goes and nothing else."""
    from telemetry_platform.cli import demo_compliance, demo_tables

    out.print()
    out.print("And can somebody prove it?")
    lines = demo_compliance.compliance_chapter(handle)
    demo_tables.show_lines(lines)
    return lines


def _dagster_lines(runs: "list[DagsterRun]", checks: "list[DagsterCheck]") -> "list[Line]":
    """What must be true of Dagster: it launched the runs by itself, they ended well, and its checks passed."""
    from telemetry_platform.usecases.reconcile.expected import Line

    part = "Dagster"
    # By the sensor; on the half hour, when a schedule looks after quiet platforms, by that.
    by_itself = sum(bool(run.launched_by) for run in runs)
    return [
        Line(part, "drain runs that Dagster launched by itself", max(len(runs), 1), by_itself),
        Line(part, "drain runs that succeeded", max(len(runs), 1), sum(run.status == "SUCCESS" for run in runs)),
        Line(part, "asset checks that passed", max(len(checks), 1), sum(check.has_passed for check in checks)),
    ]


def _wait_until_drained(handle: "PlatformHandle") -> "list[DagsterRun]":
    """Wait for the runs that the sensor launches; the runs, when the queue is empty and they have ended."""
    from telemetry_platform.cli.dagster_runs import dagster_runs
    from telemetry_platform.stores import postgres, redis
    from telemetry_platform.usecases.queue_left import queue_left

    url = handle.settings.postgres.read_url or handle.settings.postgres.url
    with (
        redis.connect(handle.settings.redis) as client,
        postgres.connect(url.get_secret_value(), autocommit=True) as connection,
        out.status("waiting until Dagster has drained the queue"),
    ):
        before, moved_at = None, time.monotonic()
        while left := queue_left(client, connection, handle.settings):
            if left != before:
                before, moved_at = left, time.monotonic()
            elif time.monotonic() - moved_at > _STUCK_SECONDS:
                raise TransientError(
                    f"{left.entries:,} entries and {left.batches} batches were not drained for {_STUCK_SECONDS:.0f} s: "
                    "look at daemon.log and code-server.log in .telemetry/demo/logs"
                )
            time.sleep(_POLL_SECONDS)
        deadline = time.monotonic() + _DRAIN_BUDGET_SECONDS + _STUCK_SECONDS
        while True:
            runs = [run for run in dagster_runs(handle.dagster_url) if run.job == _DRAIN_JOB]
            if all(run.has_ended for run in runs) or time.monotonic() > deadline:
                return runs
            time.sleep(_POLL_SECONDS)
