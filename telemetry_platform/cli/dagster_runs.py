"""What the local Dagster did, asked of its webserver: its runs, and what its asset checks found.

Invariant: an answer that cannot be read is an error, never "nothing ran" or "nothing failed".
"""

from __future__ import annotations

import json
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
query { assetNodes { assetKey { path } assetChecksOrError { ... on AssetChecks { checks { name } } } } }
"""
_WHERE = "query { repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
_LAUNCH = """
mutation {
  launchRun(executionParams: {selector: %s, runConfigData: %s}) {
    ... on LaunchRunSuccess { run { runId } }
  }
}
"""
_EXECUTIONS = "assetCheckExecutions(assetKey: {path: %s}, checkName: %s, limit: 20) { status }"
_NOT_LOOKED = "SKIPPED"
"""A run that could have executed a check and had no reason to: its table got no rows."""
_LAUNCHERS = ("dagster/sensor_name", "dagster/schedule_name")
"""Tags of a run that name what launched it."""


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
    """Every asset check that was executed, as it was the last time."""
    known = [
        (node["assetKey"]["path"], check["name"])
        for node in _ask(url, _CHECKS)["assetNodes"]
        for check in node["assetChecksOrError"].get("checks", [])
    ]
    asked = [
        f"c{place}: {_EXECUTIONS % (json.dumps(path), json.dumps(name))}" for place, (path, name) in enumerate(known)
    ]
    answers = _ask(url, f"query {{ {' '.join(asked)} }}") if asked else {}
    return [
        DagsterCheck("/".join(path), name, statuses[0])
        for place, (path, name) in enumerate(known)
        if (statuses := [each["status"] for each in answers[f"c{place}"] if each["status"] != _NOT_LOOKED])
    ]


def launch(url: str, job: str, run_config: str) -> str:
    """Launch a job as somebody would in the UI, with this configuration (JSON); the run's id.

    Raises TransientError when Dagster does not take it.
    """
    (place, *_) = _ask(url, _WHERE)["repositoriesOrError"]["nodes"]
    location, repository, name = (json.dumps(part) for part in (place["location"]["name"], place["name"], job))
    selector = f"{{repositoryLocationName: {location}, repositoryName: {repository}, jobName: {name}}}"
    taken = _ask(url, _LAUNCH % (selector, json.dumps(run_config)))["launchRun"]
    if "run" not in taken:
        raise TransientError(f"Dagster did not launch {job}: look at its log (webserver.log)")
    return str(taken["run"]["runId"])


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
        launched_by=next((tags[launcher] for launcher in _LAUNCHERS if launcher in tags), ""),
        started_at=None if start is None else datetime.fromtimestamp(start, UTC),
        seconds=None if start is None or end is None else end - start,
    )
