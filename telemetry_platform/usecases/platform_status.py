"""What the platform itself is doing, for people without Dagster: part by part, in words, with what to do.

Invariants: a part that cannot be read says so and keeps no other from being read; nothing here names a person, a
network or an event; what is said is what a store says now, never what somebody remembers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.exclusions import Age
from telemetry_platform.errors import PlatformError
from telemetry_platform.processing.trail_standing import Standing
from telemetry_platform.stores import dead_letters, expiry_proof, landing_queue, lease, postgres, redis
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.drain.run import streams_of
from telemetry_platform.usecases.exclusion_status import exclusion_status
from telemetry_platform.usecases.rollups.touched import due_days
from telemetry_platform.usecases.trail_standing import read_standing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection

State = Literal["ok", "attention", "wrong", "unknown"]
_WAITS_LONG, _WAITS_TOO_LONG = 120.0, 900.0
_NIGHT = timedelta(hours=26)
_ROLLUPS_LATE = timedelta(hours=1)
_COMMENT = "status"


@dataclass(frozen=True)
class Part:
    """One part: how it stands, in a sentence; figures; what to do when it is not well."""

    name: str
    state: State
    sentence: str
    figures: tuple[tuple[str, str], ...] = ()
    next_step: str = ""


@dataclass(frozen=True)
class PlatformStatus:
    """All parts, at a moment."""

    at: datetime
    parts: tuple[Part, ...] = field(hash=False)

    @property
    def state(self) -> State:
        """The worst of them."""
        order: Sequence[State] = ("wrong", "unknown", "attention", "ok")
        return next(state for state in order if state == "ok" or any(part.state == state for part in self.parts))


def platform_status(settings: Settings, now: datetime, *, of_all_tenants: bool = False) -> PlatformStatus:
    """Look at all parts, each by itself. What counts events of every tenant is for whoever may see all of them."""
    looks: tuple[tuple[str, Callable[[], Part]], ...] = (
        ("Landing queue", lambda: _queue(settings)),
        ("Drain", lambda: _in_ledger(settings, now, _drain)),
        ("Dead letters", lambda: _in_ledger(settings, now, _letters)),
        ("Drops of the last day", lambda: _drops(settings, now)),
        ("Rollups", lambda: _in_ledger(settings, now, _rollups)),
        ("Do Not Sell list", lambda: _in_ledger(settings, now, _exclusions)),
        ("Retention", lambda: _in_ledger(settings, now, _retention)),
        ("Audit trail", lambda: _trail(settings, now)),
    )
    parts = tuple(_looked(name, look) for name, look in looks)
    return PlatformStatus(now, parts if of_all_tenants else tuple(map(_without_counts, parts)))


def _without_counts(part: Part) -> Part:
    """The part without counts of events by their kind and reason, down to one of another tenant."""
    if part.name == "Drops of the last day" and part.state == "ok":
        return replace(part, sentence="Events that their senders' privacy asks for are not kept.", figures=())
    if part.name == "Dead letters" and part.figures:
        return replace(part, sentence="Entries were put aside and wait for a decision.", figures=())
    return part


def _looked(name: str, look: Callable[[], Part]) -> Part:
    try:
        return look()
    except PlatformError as error:
        return Part(name, "unknown", "This part cannot be read now.", next_step=str(error))


def _in_ledger(settings: Settings, now: datetime, look: Callable[[Connection, datetime], Part]) -> Part:
    url = settings.postgres.read_url or settings.postgres.url
    with postgres.connect(url.get_secret_value(), application="telemetry-status", autocommit=True) as conn:
        return look(conn, now)


def _queue(settings: Settings) -> Part:
    streams = [stream for store in Store for stream in streams_of(store, settings)]
    with redis.connect(settings.redis, timeout_seconds=redis.TIMEOUT_SECONDS) as client:
        found = landing_queue.backlog(client, streams)
    entries = sum(one.entries for one in found.values())
    oldest = max((one.oldest_age_seconds for one in found.values() if one.entries), default=0.0)
    figures = [(stream.split(":", 2)[-1], f"{one.entries:,} waiting") for stream, one in found.items() if one.entries]
    state: State = "ok" if oldest < _WAITS_LONG else "attention" if oldest < _WAITS_TOO_LONG else "wrong"
    sentence = f"{entries:,} entries wait, the oldest for {_span(oldest)}." if entries else "Nothing waits."
    step = (
        ""
        if state == "ok"
        else "Look whether a run of drain_landing is at work in Dagster, and how the last one ended."
    )
    return Part("Landing queue", state, sentence, tuple(figures), step)


def _drain(conn: Connection, now: datetime) -> Part:
    known = lease.latest(conn, lease.DRAIN)
    row = conn.execute("SELECT max(closed_at), count(*) FROM ingest.batches WHERE closed_at >= %s", (now - _NIGHT,))
    last, batches = row.fetchall()[0]
    if known is None:
        return Part("Drain", "attention", "No drain has ever run.", next_step="Look whether Dagster's daemon runs.")
    held, left = known
    at_work = left > 0
    sentence = "A drain is at work." if at_work else f"The last drain gave its lease back {_ago(held.renewed_at, now)}."
    figures = (
        ("last batch stored", "none in the last day" if last is None else _ago(last, now)),
        ("batches in the last day", f"{batches:,}"),
    )
    is_well = at_work or now - held.renewed_at < _NIGHT / 12
    step = "" if is_well else "Look at the sensor landing_has_events and the schedule quiet_drains in Dagster."
    return Part("Drain", "ok" if is_well else "attention", sentence, figures, step)


def _letters(conn: Connection, now: datetime) -> Part:
    del now
    found = dead_letters.waiting_counts(conn)
    count = sum(found.values())
    if not count:
        return Part("Dead letters", "ok", "None is waiting.")
    figures = tuple((f"{kind}: {reason}", f"{each:,}") for (kind, reason), each in sorted(found.items()))
    step = "Look at them with `telemetry dead-letters list`, replay what was mended, drop what is none."
    return Part(
        "Dead letters", "attention", f"{count:,} entries were put aside and wait for a decision.", figures, step
    )


def _drops(settings: Settings, now: datetime) -> Part:
    with open_warehouse(settings.clickhouse, log_comment=_COMMENT) as warehouse:
        rows = warehouse.rows("count_drops_by_day", {"begins": now - timedelta(days=1), "ends": now + _NIGHT})
    by_reason: Counter[str] = Counter()
    for _, kind, _, reason, events in rows:
        by_reason[f"{kind}: {reason}"] += int(events)
    figures = tuple((name, f"{count:,}") for name, count in by_reason.most_common(12))
    total = sum(by_reason.values())
    return Part(
        "Drops of the last day", "ok", f"{total:,} events were not kept, as their senders' privacy asks for.", figures
    )


def _rollups(conn: Connection, now: datetime) -> Part:
    found = due_days(conn)
    if not found:
        return Part("Rollups", "ok", "All figures are up to date with their tables.")
    oldest = min(since for _, _, since in found)
    late = now - oldest > _ROLLUPS_LATE
    figures = tuple(sorted(Counter(name for name, _, _ in found).items()))
    step = "Look at the runs of rebuild_touched_days in Dagster: a day may fail again and again." if late else ""
    sentence = f"{len(found)} days are to be rebuilt, the first since {_ago(oldest, now)}."
    told = tuple((name, f"{count} days") for name, count in figures)
    return Part("Rollups", "attention" if late else "ok", sentence, told, step)


def _exclusions(conn: Connection, now: datetime) -> Part:
    found = exclusion_status(conn, now)
    age = found.freshness
    states: dict[Age, State] = {Age.FRESH: "ok", Age.LATE: "attention"}
    state = states.get(age.state, "wrong")
    when = "never" if age.seconds is None else f"{_span(age.seconds)} ago"
    step = "" if state == "ok" else "Run the job sync_exclusions in Dagster, and look at what the last tries say."
    return Part(
        "Do Not Sell list",
        state,
        f"Synchronised {when}; {found.active:,} networks are excluded.",
        (("tries that failed lately", f"{len(found.problems)}"),),
        step,
    )


def _retention(conn: Connection, now: datetime) -> Part:
    runs = expiry_proof.latest(conn)
    if not runs:
        return Part("Retention", "attention", "Retention has never run.", next_step="Run enforce_retention in Dagster.")
    newest = max(one.began_at for one in runs.values())
    bad = sorted(name for name, one in runs.items() if one.status not in {"done", "held", "postponed"})
    is_late = now - newest > _NIGHT
    figures = tuple((name, runs[name].status) for name in bad)
    step = "Look at the newest run of enforce_retention in Dagster." if bad or is_late else ""
    sentence = f"Last run {_ago(newest, now)}; {len(runs)} tables" + (f", {len(bad)} not finished." if bad else ".")
    return Part("Retention", "attention" if bad or is_late else "ok", sentence, figures, step)


def _trail(settings: Settings, now: datetime) -> Part:
    found = read_standing(settings, now)
    states: dict[Standing, State] = {
        Standing.WHOLE: "ok",
        Standing.BROKEN: "wrong",
        Standing.LATE: "attention",
        Standing.UNKNOWN: "attention",
    }
    sentences = {
        Standing.WHOLE: "The audit trail is whole.",
        Standing.BROKEN: "The audit trail is broken: a row is not as it was written.",
        Standing.LATE: "The audit trail was not verified lately, or its checkpoints are old.",
        Standing.UNKNOWN: "The audit trail was never verified.",
    }
    figures = (("rows", f"{found.head['seq']:,}"), ("not yet verified", f"{found.unverified_rows:,}"))
    step = "" if found.standing is Standing.WHOLE else "Run `telemetry audit verify`, and tell compliance what it says."
    return Part("Audit trail", states[found.standing], sentences[found.standing], figures, step)


def _ago(moment: datetime, now: datetime) -> str:
    return f"{_span(max((now - moment).total_seconds(), 0.0))} ago"


def _span(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}s"
    return f"{seconds:.0f} seconds"
