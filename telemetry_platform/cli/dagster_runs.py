"""What the local Dagster did, asked of its webserver: its runs, and what its asset checks found.

Invariant: an answer that cannot be read is an error, never "nothing ran" or "nothing failed".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from telemetry_platform.errors import TransientError

_RUNS = """
query {
  runsOrError(limit: 50) { ... on Runs { results { runId jobName status startTime endTime tags { key value } } } }
}
"""
_CHECKS = """
query {
  assetNodes {
    assetKey { path }
    assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization { status } } } }
  }
}
"""
_SENSOR = "dagster/sensor_name"


@dataclass(frozen=True)
class DagsterRun:
    """One run."""

    run_id: str
    job: str
    status: str
    launched_by: str
    started_at: datetime | None
    seconds: float | None

    @property
    def has_ended(self) -> bool:
        """Nothing more will come of it."""
        return self.status in {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass(frozen=True)
class DagsterCheck:
    """The latest execution of one asset check."""

    asset: str
    name: str
    status: str

    @property
    def has_passed(self) -> bool:
        """It looked, and what it says is true."""
        return self.status == "SUCCEEDED"


def dagster_runs(url: str) -> list[DagsterRun]:
    """The latest runs, oldest first."""
    return [_run(result) for result in reversed(_ask(url, _RUNS)["runsOrError"]["results"])]


def dagster_checks(url: str) -> list[DagsterCheck]:
    """Every asset check that was executed."""
    return [
        DagsterCheck("/".join(node["assetKey"]["path"]), check["name"], execution["status"])
        for node in _ask(url, _CHECKS)["assetNodes"]
        for check in node["assetChecksOrError"].get("checks", [])
        if (execution := check["executionForLatestMaterialization"])
    ]


def _ask(url: str, query: str) -> dict[str, Any]:
    """The data of a GraphQL answer."""
    try:
        answer = httpx.post(f"{url}/graphql", json={"query": query}, timeout=30.0, trust_env=False)
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, ValueError):
        found = {}
    if "errors" in found or not isinstance(found.get("data"), dict):
        raise TransientError("the Dagster UI did not say what it ran: look at its log (webserver.log)")
    data: dict[str, Any] = found["data"]
    return data


def _run(result: dict[str, Any]) -> DagsterRun:
    start, end = result["startTime"], result["endTime"]
    tags = {tag["key"]: tag["value"] for tag in result["tags"]}
    return DagsterRun(
        run_id=result["runId"],
        job=result["jobName"],
        status=result["status"],
        launched_by=tags.get(_SENSOR, ""),
        started_at=None if start is None else datetime.fromtimestamp(start, UTC),
        seconds=None if start is None or end is None else end - start,
    )
