"""Fold sessions and stalls from the event log, for the sessions that a batch touched or that fell silent.

Sessions are named by their keys (`stores/tenant_keys.py`): a session is an id in its tenant, and two tenants' sessions
under one id have nothing to do with each other.

Invariants: a session is folded whole, from all of its events, so that the result is the same for every order of
arrival, every duplicate and every repetition; a session that began more than 60 days ago is settled and never folded
again, since its events expire at 90 days and folding what is left would shrink it. The rules are in SQL
(`fold_media_sessions.sql` and the views it reads); here is only which sessions, how many at a time, and under which
tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from telemetry_platform.stores.tenant_keys import tenant_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from telemetry_platform.stores.tenant_keys import Keys
    from telemetry_platform.stores.warehouse import Warehouse

SETTLED_AFTER = timedelta(days=60)
SILENCE_LOOKS_BACK = timedelta(days=30)
"""Sessions that were received longer ago are not looked at any more: their silence was derived long since."""
SESSIONS_A_STATEMENT = 2_000
"""Bounds the memory of one statement: 2,000 views of 100 events take about 300 MB."""
_NOBODY = tenant_key("", UUID(int=0))
"""Stands for an empty list of sessions: the statement's text needs at least one."""
_LONG_AGO = datetime(1971, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FoldReport:
    """What a fold did: sessions folded, those among them that have stalls, and settled ones that were left alone."""

    sessions: int = 0
    stalled: int = 0
    settled: int = 0


def fold_sessions(
    warehouse: Warehouse,
    sessions: Iterable[str],
    *,
    batch_id: str,
    now: datetime,
    since: datetime | None = None,
) -> FoldReport:
    """Fold the sessions that a batch touched; the batch's events must be stored.

    `since` is the earliest occurred_at of the batch; with it, weeks in which none of these sessions has an event are
    not read. `batch_id` makes the tokens of the inserts. An attempt after the first passes another (`<batch id>:2`),
    because a server that was killed may hold a token whose rows it lost; rows that are then there twice are the same
    version of the same session.
    """
    report = FoldReport()
    for number, chunk in enumerate(_chunks(sessions)):
        scope = warehouse.query(
            "select_fold_scope", {"settled_before": now - SETTLED_AFTER}, {"sessions": chunk}
        ).to_pylist()[0]
        settled = set(scope["settled"])
        folded = [session for session in chunk if session not in settled]
        if folded:
            earliest = _LONG_AGO if since is None else min(filter(None, (since, scope["earliest"])))
            parameters = {"since": earliest, "now": now, "drained_until": _LONG_AGO}
            stalled = _fold(warehouse, folded, parameters, f"{batch_id}:{number}")
            report = FoldReport(report.sessions + len(folded), report.stalled + stalled, report.settled)
        report = FoldReport(report.sessions, report.stalled, report.settled + len(settled))
    return report


def fold_silent_sessions(
    warehouse: Warehouse,
    drained_until: datetime,
    *,
    now: datetime,
    most: int = SESSIONS_A_STATEMENT,
    touch: Callable[[list[str]], object] = lambda _: None,
) -> FoldReport:
    """Derive that sessions were abandoned: no end, and silent for a minute (half an hour after a pause).

    Silence is measured against the time of receipt up to which the queue is drained, never against a clock: while the
    queue is behind, nobody is silent. A later event revokes it, by folding the session into a newer version. Call again
    while the report says that `most` sessions were folded. `touch` is told the sessions before they change and after.
    """
    silent = warehouse.query(
        "select_silent_sessions",
        {"drained_until": drained_until, "since": drained_until - SILENCE_LOOKS_BACK, "most": most},
    )["session"].to_pylist()
    report = FoldReport()
    for chunk in _chunks(silent):
        scope = warehouse.query(
            "select_fold_scope", {"settled_before": now - SETTLED_AFTER}, {"sessions": chunk}
        ).to_pylist()[0]
        settled = set(scope["settled"])
        folded = [session for session in chunk if session not in settled]
        if folded:
            parameters = {"since": scope["earliest"], "now": now, "drained_until": drained_until}
            touch(folded)
            try:
                stalled = _fold(warehouse, folded, parameters, None)
            finally:
                # Also when it failed: a part of its statements may have changed sessions.
                touch(folded)
            report = FoldReport(report.sessions + len(folded), report.stalled + stalled)
    return report


def _fold(warehouse: Warehouse, sessions: list[str], parameters: dict[str, Any], token: str | None) -> int:
    """Stalls first, since sessions sum them up; then stalls that are none any more. How many sessions have stalls."""
    keys: dict[str, Keys] = {"sessions": sessions}
    since, now = {"since": parameters["since"]}, {"now": parameters["now"]}
    stalled = warehouse.query("select_stalled_sessions", since, keys)["session"].to_pylist()
    of_stalled: dict[str, Keys] = {"sessions": stalled}
    if stalled:
        warehouse.execute("fold_media_stalls", since | now, of_stalled, token=token)
    warehouse.execute("fold_media_sessions", parameters, keys | {"stalled": stalled or [_NOBODY]}, token=token)
    if stalled:
        warehouse.execute("retract_media_stalls", now, of_stalled, token=token and f"{token}:retract")
    return len(stalled)


def _chunks(sessions: Iterable[str]) -> list[list[str]]:
    """Distinct keys in one order for every attempt, so that a repeated fold repeats its tokens."""
    ordered = sorted(set(sessions))
    return [ordered[i : i + SESSIONS_A_STATEMENT] for i in range(0, len(ordered), SESSIONS_A_STATEMENT)]
