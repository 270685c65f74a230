"""The demo's answers: rollups that equal their tables, figures over HTTP that equal plain SQL, one session's verdict.

Invariant: what is expected is computed from the tables, past the rollups that the answers are read from.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
from rich.table import Table

from telemetry_platform.cli.console import out
from telemetry_platform.errors import TransientError
from telemetry_platform.simulate.senders import Service
from telemetry_platform.simulate.tokens import Signer
from telemetry_platform.usecases.reconcile.expected import Line

if TYPE_CHECKING:
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.stores.warehouse import Warehouse

_ROLLUPS, _OVER_HTTP, _SUPPORT = "Answers: rollups", "Answers: statistics over HTTP", "Answers: one session"
_JOB = "rebuild_touched_days"
_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.5
_BY_COUNTRY = (
    "SELECT ifNull(country_code, '') AS country, count() AS sessions, avg(ttfb_ms) AS ttfb, "
    "countIf(state = 'completed') AS completed FROM media_sessions_current "
    "WHERE org_id = {org:String} AND NOT is_bot AND occurred_at >= {since:DateTime64(3, 'UTC')} "
    "AND occurred_at < {until:DateTime64(3, 'UTC')} GROUP BY country"
)
_BUSIEST = (
    "SELECT org_id FROM media_sessions_current WHERE NOT is_bot GROUP BY org_id ORDER BY count() DESC, org_id LIMIT 1"
)
_WORST = (
    "SELECT toString(session_id) FROM media_sessions_current WHERE org_id = {org:String} AND NOT is_bot "
    "ORDER BY fatal_error DESC, stall_ms DESC, session_id LIMIT 1"
)


def answers_chapter(handle: PlatformHandle) -> list[Line]:
    """All of it; what must be true, and what was found."""
    from telemetry_platform.stores.warehouse import open_warehouse

    rollups = _rebuilt_and_compared(handle)
    with open_warehouse(handle.settings.clickhouse, log_comment="telemetry demo, answers") as warehouse:
        org = str(warehouse.client.scalar(_BUSIEST))
        with httpx.Client(
            base_url=handle.api_url, headers=_support(handle, org), timeout=30.0, trust_env=False
        ) as http:
            return [*rollups, *_statistics(http, warehouse, org), *_session(http, warehouse, org)]


def _rebuilt_and_compared(handle: PlatformHandle) -> list[Line]:
    """Let Dagster rebuild what is due, as somebody would in the UI, then count every day again by another statement."""
    from telemetry_platform.contracts.rollup_registry import rollups
    from telemetry_platform.usecases.drain.stores import open_stores
    from telemetry_platform.usecases.rollups.touched import due_days
    from telemetry_platform.usecases.rollups.verify import days_of, verify_day

    status = _run(handle)
    table = Table("Rollup", box=None, pad_edge=False)
    for title in ("days", "rows", "equal"):
        table.add_column(title, justify="right")
    lines = [Line(_ROLLUPS, f"runs of {_JOB} that succeeded", 1, int(status == "SUCCESS"))]
    with open_stores(handle.settings, log_comment="telemetry demo, rollups") as stores:
        with stores.postgres() as conn:
            lines.append(Line(_ROLLUPS, "days that are behind their tables", 0, len(due_days(conn))))
        for rollup in rollups().values():
            found = [verify_day(stores, rollup, day) for day in days_of(stores, rollup)]
            equal = sum(verdict.matches for verdict in found)
            rows = sum(verdict.compared_rows for verdict in found)
            table.add_row(rollup.name, f"{len(found)}", f"{rows:,}", f"{equal}")
            lines.append(Line(_ROLLUPS, f"days of {rollup.name} that equal their base", len(found), equal))
    out.print()
    out.print(table)
    return lines


def _run(handle: PlatformHandle) -> str:
    """The status of a run, once it has ended. The schedule may have been quicker: then there is nothing left to do."""
    from telemetry_platform.cli.dagster_runs import dagster_runs, launch

    run_id = launch(handle.dagster_url, _JOB, json.dumps({}))
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with out.status(f"waiting for the run of {_JOB}"):
        while time.monotonic() < deadline:
            for run in dagster_runs(handle.dagster_url):
                if run.run_id == run_id and run.has_ended:
                    return run.status
            time.sleep(_POLL_SECONDS)
    raise TransientError(f"the run {run_id[:8]} of {_JOB} has not ended: look at it in the Dagster UI")


def _support(handle: PlatformHandle, org: str) -> dict[str, str]:
    """The headers of somebody of support in that tenant."""
    given = handle.settings.api.token
    assert given.secret is not None  # noqa: S101 - the demo's platform has one
    signer = Signer(given.secret.get_secret_value(), given.issuer, given.audience)
    service = Service("demo-support", org, ("support",))
    return {"Authorization": f"Bearer {signer.token(service, datetime.now(UTC))}"}


def _statistics(http: httpx.Client, warehouse: Warehouse, org: str) -> list[Line]:
    """The figures by country over HTTP, beside plain SQL over the sessions of the same days."""
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    since = until - timedelta(days=7)
    stretch = {"from": f"{since:%Y-%m-%dT%H:%M:%SZ}", "to": f"{until:%Y-%m-%dT%H:%M:%SZ}", "group_by": "country_code"}
    answer = _answered(http.get("/v1/media/bandwidth/stats", params=stretch))
    told = {each["country_code"] or "": each for each in answer["stats"]}
    plain = warehouse.client.query(_BY_COUNTRY, {"org": org, "since": since, "until": until})
    lines = [Line(_OVER_HTTP, f"countries of {org}", len(plain), len(told))]
    for country, sessions, ttfb, completed in sorted(plain, key=lambda row: (-row[1], row[0])):
        found = told.get(country, {})
        name = country or "unknown"
        lines += [
            Line(_OVER_HTTP, f"{name}: sessions", sessions, found.get("total_sessions", 0)),
            Line(_OVER_HTTP, f"{name}: mean TTFB [0.1 ms]", _tenths(ttfb), _tenths(found.get("avg_ttfb_ms"))),
            Line(_OVER_HTTP, f"{name}: completed", completed, round((found.get("completion_rate") or 0) * sessions)),
        ]
    return lines


def _session(http: httpx.Client, warehouse: Warehouse, org: str) -> list[Line]:
    """The session that went worst, as support sees it."""
    worst = str(warehouse.client.scalar(_WORST, {"org": org}))
    found = _answered(http.get(f"/v1/media/sessions/{worst}"))
    listed = _answered(http.post("/v1/media/sessions/search", json={"session_id": worst}))["sessions"]
    verdict = found["verdict"]
    out.print()
    out.print(f"The worst session of {org}: {verdict['cause']}. {'; '.join(verdict['reasons'])}.", markup=False)
    out.print(f"Tell the patient: {verdict['tell_patient']}", markup=False, soft_wrap=True)
    events = warehouse.client.scalar(
        "SELECT uniqExact(event_id) FROM media_events_live WHERE org_id = {org:String} AND session_id = {id:UUID}",
        {"org": org, "id": worst},
    )
    return [
        Line(_SUPPORT, "events of its timeline", int(events), len(found["timeline"])),
        Line(_SUPPORT, "sessions found by its id, with the same verdict", 1, _same(listed, verdict)),
        Line(_SUPPORT, "verdicts that say why", 1, int(bool(verdict["reasons"] and verdict["tell_patient"]))),
    ]


def _same(listed: list[dict[str, Any]], verdict: dict[str, Any]) -> int:
    return sum(each["verdict"]["cause"] == verdict["cause"] for each in listed)


def _answered(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise TransientError(f"the API answered {response.status_code} to {response.request.url.path}: see its log")
    found: dict[str, Any] = response.json()
    return found


def _tenths(value: float | None) -> int:
    return 0 if value is None else round(10 * value)
