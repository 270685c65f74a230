"""Retention in Dagster: the job that removes what has expired, its night, and the check that reads the tables.

Invariants: a run is told whether it is a dry one and nothing else: no date, no policy and no table; the proof is a
table of ours (`privacy.retention_runs`), what Dagster shows is a copy of it for people.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import inf

import dagster as dg
from pydantic import Field

from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.records.retention import RUNS
from telemetry_platform.contracts.registry import tables
from telemetry_platform.contracts.retention_runs import RetentionRun
from telemetry_platform.defs.keys import table_key
from telemetry_platform.defs.resources import PlatformResource, log_comment
from telemetry_platform.defs.safe_errors import only_safe_errors, safely
from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.expire.past_retention import Standing, standings
from telemetry_platform.usecases.expire.run import retention_connection, run_retention
from telemetry_platform.usecases.expire.summary import headline, markdown, outcome
from telemetry_platform.usecases.expire.targets import Target, targets
from telemetry_platform.usecases.expire.verify import verify_runs
from telemetry_platform.usecases.retention_policy import in_force

PROOFS = dg.AssetKey([RUNS.store.value, *RUNS.name.split(".")])
"""One materialization a run; and the asset on which the tables that no event lands in are checked."""
CHECK = "no_rows_past_retention"
WHOLE = "retention_chain_is_whole"
_STEP = "remove_expired"
_MAX_RUNTIME_SECONDS = 4 * 3600

proofs_spec = dg.AssetSpec(
    PROOFS,
    description=(
        f"{RUNS.description}\n\n"
        "- **Written by**: `enforce_retention`, a row for each table and run\n"
        "- **Retention**: 7 years after ended_at; the chain then begins with the first row that is left"
    ),
    group_name="compliance",
    owners=[Owner.COMPLIANCE.value],
    kinds={"postgres", "table"},
    metadata={"dagster/table_name": f"telemetry.{RUNS.name}"},
)


class RetentionConfig(dg.Config):
    """Whether it is done."""

    dry_run: bool = Field(
        default=True, description="Count what has expired, and change nothing. Set it to false to remove it."
    )


@dg.op(
    name=_STEP,
    out=dg.Out(dg.Nothing),
    description=(
        "Looks into every table of both databases for what has expired by its contract; unless it is a dry run, "
        "removes it; writes a linked proof for each table."
    ),
)
@safely
def remove_expired(
    context: dg.OpExecutionContext, config: RetentionConfig, platform: PlatformResource
) -> Iterator[dg.AssetObservation | dg.AssetMaterialization | dg.Output[None]]:
    """One run over all tables, also told when it failed at one of them.

    Events are yielded, and not logged by the context: it keeps what it is told until the step has succeeded.
    """
    settings = platform.settings
    comment = log_comment(run_id=context.run_id, job=context.job_name, asset=_STEP)
    # A try removes nothing twice: what it had announced is counted and proved by the next one.
    with only_safe_errors(lambda: inf), platform.drain_stores(comment) as stores:
        with postgres.connect(settings.postgres, application="telemetry-dagster") as connection:
            ring = load_key_ring(connection, settings.keys)
        report = run_retention(stores, ring, now=datetime.now(UTC), dry_run=config.dry_run)
    context.log.info(headline(report))
    known = {table.name: table_key(table) for table in tables().values()}
    for proof in (*report.recovered, *report.proofs):
        yield dg.AssetObservation(known.get(proof.table_name, PROOFS), metadata=_told(proof))
    what: dict[str, str | int | bool | dg.MetadataValue] = {
        "what_was_removed": dg.MetadataValue.md(markdown(report)),
        "dry_run": report.dry_run,
        "retention_run": str(report.run_id),
        "rows_removed": report.rows,
        "expired_rows_left": report.left,
        "tables": len(report.proofs),
    }
    yield dg.AssetMaterialization(PROOFS, metadata=what)
    report.raise_for_failures()
    yield dg.Output(None, metadata=what)


def _told(proof: RetentionRun) -> Mapping[str, str | int | bool | dg.MetadataValue]:
    """The proof of one table, as its asset shows it."""
    return {
        "retention_of": proof.table_name,
        "why": proof.policy,
        "cut_off": dg.MetadataValue.timestamp(proof.cut_off),
        "rows_before": proof.rows_before,
        "rows_after": proof.rows_after,
        "expired_rows_removed": proof.rows_dropped,
        "partitions_dropped": proof.partitions_dropped,
        "rows_held": proof.rows_held,
        "expired_rows_left": proof.expired_after,
        "oldest_remaining": (
            dg.MetadataValue.timestamp(proof.oldest_remaining) if proof.oldest_remaining else "the table is empty"
        ),
        "result": outcome(proof),
        "proof_number": proof.number,
        "proof_hash": proof.row_hash,
    }


@dg.job(
    name="enforce_retention",
    executor_def=dg.in_process_executor,
    description=(
        "Removes what has expired from every table of both databases and proves it, table by table. A dry run unless "
        "`dry_run` is set to false; the nightly schedule does that."
    ),
    run_tags={"dagster/max_runtime": str(_MAX_RUNTIME_SECONDS)},
)
def enforce_retention() -> None:
    """One step."""
    remove_expired()


@dg.schedule(
    name="nightly_retention",
    job=enforce_retention,
    cron_schedule="23 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night, for real: what expires in a day is gone by the next morning.",
)
@safely
def nightly_retention() -> dg.RunRequest:
    """A run that removes."""
    return dg.RunRequest(run_config={"ops": {_STEP: {"config": {"dry_run": False}}}})


_SENTENCE = (
    "No row is past its retention: the table itself was read. Red, `enforce_retention` did not run, was killed, or "
    "could not remove what has expired (are ClickHouse's merges stopped?): look at its newest run, and run it again."
)


def _specs() -> dict[dg.AssetKey, dg.AssetCheckSpec]:
    """A check for each table with an asset, and one for all others together."""
    keys = [table_key(table) for table in tables().values()]
    return {key: dg.AssetCheckSpec(CHECK, asset=key, description=_SENTENCE) for key in (*keys, PROOFS)}


@dg.multi_asset_check(name=CHECK, specs=list(_specs().values()), can_subset=True)
@safely
def check_retention(
    context: dg.AssetCheckExecutionContext, platform: PlatformResource
) -> Iterator[dg.AssetCheckResult]:
    """Read the tables that were asked for."""
    settings = platform.settings
    comment = log_comment(run_id=context.run.run_id, job=context.run.job_name, asset=CHECK)
    known = {name: table_key(table) for name, table in tables().items()}
    by_asset: dict[dg.AssetKey, list[Target]] = {}
    for target in targets(in_force(settings)).values():
        by_asset.setdefault(known.get(target.name, PROOFS), []).append(target)
    asked = {key.asset_key for key in context.selected_asset_check_keys}
    now = platform.now()
    with open_warehouse(settings.clickhouse, log_comment=comment) as warehouse, retention_connection(settings) as conn:
        for asset, its in by_asset.items():
            if asset in asked:
                yield _result(asset, standings(warehouse, conn, its, now))


def _result(asset: dg.AssetKey, found: list[Standing]) -> dg.AssetCheckResult:
    late = [one for one in found if not one.is_clean]
    oldest = min((one.seen.oldest_expired for one in late if one.seen.oldest_expired), default=None)
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=CHECK,
        passed=not late,
        description="; ".join(one.sentence for one in late or found),
        metadata={
            "rows_past_retention": sum(one.seen.expired for one in late),
            "rows_held": sum(one.seen.held for one in found),
            "oldest": dg.MetadataValue.timestamp(oldest) if oldest else "none",
            "tables": ", ".join(one.target.name for one in found),
        },
    )


@dg.asset_check(
    name=WHOLE,
    asset=PROOFS,
    description=(
        "The proofs of retention are one chain: none was changed, removed or put in. Red, somebody did so past the "
        "database's triggers: ask who may be its owner, and compare with a backup."
    ),
)
@safely
def check_chain(platform: PlatformResource) -> dg.AssetCheckResult:
    """Walk it from its beginning."""
    with retention_connection(platform.settings) as conn:
        fault = verify_runs(conn)
    return dg.AssetCheckResult(passed=fault is None, description=fault or "every proof follows on the one before")
