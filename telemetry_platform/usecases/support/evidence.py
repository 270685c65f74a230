"""The evidence on sessions: what they, their errors, our API and their peers say, in four queries for any number.

Invariant: all of it belongs to the tenant that is asked for; a session of another tenant is not found.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from telemetry_platform.contracts.verdict import ApiFigures, Evidence, Fault, Peers
from telemetry_platform.processing.verdict import judge
from telemetry_platform.stores.tenant_keys import tenant_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.contracts.verdict import Verdict
    from telemetry_platform.stores.warehouse import Warehouse

ENOUGH_PEERS = 20
"""Of fewer, a tenth decile is two sessions: the next circle is asked."""
_AT_ONCE = 500
_LIMITS = {"max_execution_time": 20}
"""Seconds of one statement: whoever asks for too much is told so, and takes no more."""
_CIRCLES = {1: "same country and connection", 2: "same country", 3: "all of the tenant"}
_PEER_FIGURES = (
    "ttfb_ms", "load_ms", "startup_ms", "cdn_ms", "rtt_ms", "bandwidth_margin", "stalled_percent", "stall_count",
    "dropped_percent", "completion",
)  # fmt: skip
_SAME = (
    "state", "start_seen", "event_count", "country_code", "device_type", "connection_type", "ttfb_ms", "load_ms",
    "startup_ms", "start_cdn_ms", "cdn_ms", "bandwidth_mbit", "rtt_ms",
    "bitrate", "stall_count", "stall_ms", "watched_seconds",
    "completion", "dropped_frames", "fatal_error",
)  # fmt: skip


def gather(warehouse: Warehouse, org_id: str, session_id: UUID | str, *, now: datetime) -> Evidence | None:
    """The evidence on one session of a tenant, as far as it began before `now`; None when there is none."""
    return evidence_of(warehouse, org_id, [session_id], now=now).get(str(session_id))


def verdicts_of(
    warehouse: Warehouse, org_id: str, session_ids: Collection[UUID | str], *, now: datetime | None = None
) -> dict[str, Verdict]:
    """The verdict on each of these sessions of a tenant, by its id; unknown ones are left out."""
    found = evidence_of(warehouse, org_id, session_ids, now=now)
    return {session_id: judge(evidence) for session_id, evidence in found.items()}


def evidence_of(
    warehouse: Warehouse, org_id: str, session_ids: Collection[UUID | str], *, now: datetime | None = None
) -> dict[str, Evidence]:
    """The evidence on each of these sessions of a tenant, by its id."""
    wanted = sorted({str(session_id) for session_id in session_ids})
    found: dict[str, Evidence] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        found |= _gathered(warehouse, org_id, wanted[start : start + _AT_ONCE], now)
    return found


def _gathered(
    warehouse: Warehouse, org_id: str, session_ids: Collection[str], now: datetime | None
) -> dict[str, Evidence]:
    keys = {"sessions": [tenant_key(org_id, session_id) for session_id in session_ids]}
    sessions = {
        row["session_id"]: row
        for row in warehouse.query("select_session_evidence", keys=keys, settings=_LIMITS).to_pylist()
        if now is None or row["began_at"] <= now
    }
    if not sessions:
        return {}
    stretch = {
        "since": min(row["began_at"] for row in sessions.values()),
        "until": max(row["began_at"] for row in sessions.values()),
    }
    lasting = stretch | {"until": max(row["last_event_at"] for row in sessions.values())}
    faults: dict[str, list[Fault]] = {}
    for row in warehouse.query("select_session_faults", lasting, keys=keys, settings=_LIMITS).to_pylist():
        faults.setdefault(row["session_id"], []).append(
            Fault(row["source"], row["error_code"], row["http_status"], bool(row["fatal"]), row["errors"])
        )
    api = {
        row["session_id"]: row
        for row in warehouse.query("select_session_api", stretch, keys=keys, settings=_LIMITS).to_pylist()
    }
    peers: dict[str, dict[str, Peers]] = {}
    for row in warehouse.query("select_session_peers", stretch, keys=keys, settings=_LIMITS).to_pylist():
        _widen(peers.setdefault(row["session_id"], {}), row)
    return {
        session_id: Evidence(
            session_id=session_id,
            **{name: row[name] for name in _SAME},
            faults=tuple(faults.get(session_id, ())),
            api=_api(api.get(session_id, {})),
            peers=MappingProxyType(peers.get(session_id, {})),
        )
        for session_id, row in sessions.items()
    }


def _api(row: Mapping[str, Any]) -> ApiFigures:
    return ApiFigures(**{name: value for name, value in row.items() if name not in {"org_id", "session_id"}})


def _widen(known: dict[str, Peers], row: Mapping[str, Any]) -> None:
    """Take from the next wider circle what the narrower ones had too few peers for; rows come narrow first."""
    for name in _PEER_FIGURES:
        count = row[f"{name}_n"]
        too_few = name not in known or known[name].n < ENOUGH_PEERS
        if count and too_few and (name not in known or count > known[name].n):
            median, p90 = cast("list[float]", row[f"{name}_quantiles"])
            known[name] = Peers(count, median, p90, _CIRCLES[row["circle"]])
