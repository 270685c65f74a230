"""Bring the list of excluded networks up to date: fetch, stage, judge, exchange.

Invariants: one sync at a time; a list that is empty, or has at most half of the networks in force, changes nothing
unless somebody says that it is a true one; the exchange, the log's row and the entry in the audit trail are one
transaction; only a full sync withdraws; a delta reaches back from the newest entry that the list itself knows, never
from a clock. Nothing here, and nothing that is logged or raised, holds a network or a credential.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from telemetry_platform.contracts.exclusions import OVERLAP, SyncMode, SyncStatus
from telemetry_platform.contracts.own_actions import EXCLUSIONS_SYNCED
from telemetry_platform.errors import ContractViolationError, PermanentError
from telemetry_platform.processing.exclusion_reading import EXCLUSION_TYPE, ReadList, read_list
from telemetry_platform.stores import exclusions
from telemetry_platform.stores.exclusions_feed import ExclusionsFeed
from telemetry_platform.usecases import own_actions
from telemetry_platform.usecases.ensure_keys import load_key_ring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.exclusions_feed import Answer
    from telemetry_platform.stores.postgres import Connection

_WAITS = (2.0, 10.0, 30.0)
"""Seconds before the second, third and fourth try."""
_LONGEST_WAIT = 120.0
_CLOCKS_DIFFER = timedelta(days=1)
"""An entry that was published later than this from now was not: it must not move the cursor past what is to come."""
_REFUSED_LISTS = frozenset({SyncStatus.SUSPICIOUS_EMPTY, SyncStatus.SUSPICIOUS_SHRINK})


class SyncFailedError(PermanentError):
    """The list stays as it was; the message says why and what to do."""


@dataclass(frozen=True)
class SyncReport:
    """How one sync ended. `problem` is empty when it succeeded."""

    sync_id: int
    mode: SyncMode
    status: SyncStatus
    problem: str = ""
    requests: int = 0
    received: int = 0
    ignored: int = 0
    refused: int = 0
    added: int = 0
    withdrawn: int = 0
    active: int = 0
    warnings: Mapping[str, int] | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the list is in force now."""
        return self.status is SyncStatus.SUCCEEDED

    def raise_for_failure(self) -> None:
        """Raises SyncFailedError unless it succeeded."""
        if not self.succeeded:
            raise SyncFailedError(f"the exclusion list stays as it was ({self.status.value}): {self.problem}")


@dataclass(frozen=True)
class Syncing:
    """What a sync works with. `conn` commits by itself (autocommit); `now` is the clock, `sleep` waits for seconds."""

    conn: Connection
    ring: KeyRing
    feed: ExclusionsFeed
    now: Callable[[], datetime]
    sleep: Callable[[float], None]


def opened_sync(conn: Connection, settings: Settings) -> Syncing:
    """What a sync of these settings works with. Raises ConfigurationError without an account."""
    feed = ExclusionsFeed(settings.maxmind, time.monotonic)
    ring = load_key_ring(conn, settings.keys)
    return Syncing(conn, ring, feed, lambda: datetime.now(UTC), time.sleep)


def sync_exclusions(work: Syncing, mode: SyncMode, *, accept_shrink: bool = False) -> tuple[SyncReport, ...]:
    """Run a sync: its reports in order, since a delta whose moment is refused is followed by a full one.

    Raises TransientError when another sync is at work, ContractViolationError for a delta that shall shrink the list.
    """
    if accept_shrink and mode is not SyncMode.FULL:
        raise ContractViolationError("only a full sync can make the list smaller: ask for a full one")
    with exclusions.only_sync(work.conn):
        exclusions.end_interrupted(work.conn, work.now())
        cursor = None
        if mode is SyncMode.DELTA:
            cursor = _cursor(work)
            mode = SyncMode.FULL if cursor is None else mode
        first = _run(work, mode, cursor, accept_shrink=accept_shrink)
        if first.status is not SyncStatus.TIMESTAMP_INVALID:
            return (first,)
        return (first, _run(work, SyncMode.FULL, None, accept_shrink=False))


def _cursor(work: Syncing) -> datetime | None:
    """From when a delta asks; None when there is no list yet, or nothing in it says when it was published."""
    if exclusions.last_success(work.conn, SyncMode.FULL) is None:
        return None
    newest = exclusions.newest_entry(work.conn, work.now() + _CLOCKS_DIFFER)
    return None if newest is None else newest - OVERLAP


def _run(work: Syncing, mode: SyncMode, cursor: datetime | None, *, accept_shrink: bool) -> SyncReport:
    sync_id = exclusions.begin(work.conn, mode, work.now(), accept_shrink=accept_shrink, updates_after=cursor)
    answer, requests = _fetch(work, cursor)
    seen = {"requests": requests, "http_status": answer.http_status, "error_code": answer.error_code}
    if answer.status is not SyncStatus.SUCCEEDED:
        return _failed(work, SyncReport(sync_id, mode, answer.status, answer.problem, requests), seen)
    try:
        found = read_list(answer.body)
    except ContractViolationError as error:
        return _failed(work, SyncReport(sync_id, mode, SyncStatus.BAD_RESPONSE, str(error), requests), seen)
    try:
        exclusions.stage(work.conn, ((str(network), updated) for network, updated in found.networks.items()))
    except PermanentError as error:
        problem = f"the list cannot be stored: {error}"
        return _failed(work, SyncReport(sync_id, mode, SyncStatus.BAD_RESPONSE, problem, requests), seen)
    with work.conn.transaction():
        report = _exchanged(
            work, SyncReport(sync_id, mode, SyncStatus.SUCCEEDED, requests=requests), found, accept_shrink
        )
        now = work.now()
        counts = {name: getattr(report, name) for name in ("received", "ignored", "refused", "added", "withdrawn")}
        outcome = {**seen, **counts, "active": report.active, "warnings": dict(report.warnings or {})}
        exclusions.finish(work.conn, sync_id, report.status, now, **outcome)
        own_actions.record(
            work.conn,
            work.ring,
            EXCLUSIONS_SYNCED,
            now,
            outcome="success" if report.succeeded else "failure",
            details={
                "mode": mode.value,
                "status": report.status.value,
                "added": report.added,
                "withdrawn": report.withdrawn,
                "active": report.active,
                "accept_shrink": accept_shrink,
            },
        )
    return report


def _fetch(work: Syncing, cursor: datetime | None) -> tuple[Answer, int]:
    """Ask, and ask again where that may help, with growing waits; the last answer, and how many requests it took."""
    for number, wait in enumerate(_WAITS, start=1):
        answer = work.feed.fetch(cursor)
        if not answer.may_pass:
            return answer, number
        work.sleep(min(max(wait, answer.retry_after or 0.0), _LONGEST_WAIT))
    return work.feed.fetch(cursor), len(_WAITS) + 1


def _failed(work: Syncing, report: SyncReport, seen: Mapping[str, object]) -> SyncReport:
    with work.conn.transaction():
        active = exclusions.count_active(work.conn)
        exclusions.finish(work.conn, report.sync_id, report.status, work.now(), active=active, **seen)
    return report


def _exchanged(work: Syncing, report: SyncReport, found: ReadList, accept_shrink: bool) -> SyncReport:  # noqa: FBT001 - handed on from the keyword
    """Judge what is staged and bring it into force, in the caller's transaction."""
    before = exclusions.count_active(work.conn)
    status, problem = SyncStatus.SUCCEEDED, ""
    changed = exclusions.Exchanged(0, 0, before)
    if report.mode is SyncMode.FULL:
        status, problem = _judged(found, before, accept_shrink=accept_shrink)
    if status is SyncStatus.SUCCEEDED:
        changed = exclusions.exchange(
            work.conn,
            report.sync_id,
            work.now(),
            exclusion_type=EXCLUSION_TYPE,
            withdraws=report.mode is SyncMode.FULL,
        )
    return SyncReport(
        report.sync_id,
        report.mode,
        status,
        problem,
        report.requests,
        found.received,
        found.ignored,
        found.refused,
        changed.added,
        changed.withdrawn,
        changed.active,
        {remark.value: count for remark, count in sorted(found.remarks.items()) if count},
    )


def _judged(found: ReadList, before: int, *, accept_shrink: bool) -> tuple[SyncStatus, str]:
    """Whether a full list may take the place of the one in force."""
    count = len(found.networks)
    if not count and (not accept_shrink or found.received):
        return SyncStatus.SUSPICIOUS_EMPTY, (
            f"the list has {found.received} entries and no network that can be used. "
            "If it is true that nobody is excluded any more, run `telemetry exclusions sync --full --accept-shrink`"
        )
    if count * 2 <= before and not accept_shrink:
        return SyncStatus.SUSPICIOUS_SHRINK, (
            f"the list has {count} networks, {before} are in force. If so many were withdrawn, run "
            "`telemetry exclusions sync --full --accept-shrink`"
        )
    return SyncStatus.SUCCEEDED, ""
