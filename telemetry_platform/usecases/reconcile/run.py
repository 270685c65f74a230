"""Compare the truth of a run with what rests, kind by kind: answers, entries of the queue, rows, values.

Invariant: each side is counted where it rests. A line that does not add up is named, with both numbers.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from telemetry_platform.contracts.detection import DETECTED
from telemetry_platform.contracts.own_actions import CONSENT_DECIDED, own_actions
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.contracts.sightings import sightings
from telemetry_platform.stores.ingest_totals import ingest_totals
from telemetry_platform.stores.rows_at_rest import rows_at_rest
from telemetry_platform.usecases.reconcile.comparing import Alike, by_key, columns_of, row_lines, see_all
from telemetry_platform.usecases.reconcile.expected import Line, Reconciliation
from telemetry_platform.usecases.reconcile.sessions import session_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from telemetry_platform.stores.ingest_totals import IngestTotals
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse
    from telemetry_platform.usecases.reconcile.expected import Expected, Posted

    Found = Mapping[str, Sequence[Mapping[str, Any]]]

INGEST = "on the way"
DROPS = "drops"
AUDIT, SECURITY = "audit", "security"
_ACCESS = "media.view"


def reconcile(warehouse: Warehouse, conn: Connection, expected: Expected) -> Reconciliation:
    """All lines; the queue must be empty, or they say so."""
    totals = ingest_totals(conn)
    told = [*expected.posted, *(kind for kind in expected.outcomes if kind not in expected.posted)]
    found: dict[str, Sequence[Mapping[str, Any]]] = {
        kind: rows_at_rest(warehouse, conn, kinds()[kind].table, _columns(kind, expected)) for kind in told
    }
    own = _without_own_actions(found)
    sighted = _without_own_sightings(found)
    keyed = {kind: by_key(rows) for kind, rows in found.items()}
    alike = Alike()
    for kind in told:
        see_all(alike, expected.rows.get(kind, {}), keyed[kind])
    lines = [
        Line(INGEST, "requests without an answer", 0, expected.unanswered),
        Line(INGEST, "batches not ended", 0, totals.unfinished),
        Line(INGEST, "lost between API and drain", 0, totals.lost),
    ]
    for kind in told:
        if kind in expected.posted:
            lines += _answer_lines(kind, expected.posted[kind])
        lines += _entry_lines(kind, expected.outcomes.get(kind, {}), totals, sighted if kind == SECURITY else 0)
        table = kinds()[kind].table
        stored = expected.outcomes.get(kind, {}).get("stored", 0)
        lines.append(Line(kind, f"{table.name}: rows", stored, len(found[kind])))
        if kind in expected.rows:
            lines += row_lines(kind, table, expected.rows[kind], keyed[kind], alike)
        if kind == AUDIT:
            lines += _access_lines(expected, found[kind], alike)
            lines.append(
                Line(AUDIT, "privacy signals that were remembered", expected.opt_outs, own[CONSENT_DECIDED.name])
            )
    lines += _drop_lines(warehouse, expected)
    if "media" in expected.posted:
        lines += session_lines(warehouse, expected)
    unknown = tuple(name for name, kind in kinds().items() if kind.endpoint is not None and name not in expected.posted)
    return Reconciliation(tuple(lines), unknown)


def _without_own_actions(found: dict[str, Sequence[Mapping[str, Any]]]) -> Counter[str]:
    """Take the platform's own deeds out of the trail's rows, which no event brought; how many of each."""
    names = {action.name for action in own_actions()}
    rows = found.get(AUDIT, ())
    if AUDIT in found:
        found[AUDIT] = [row for row in rows if row["action"] not in names]
    return Counter(row["action"] for row in rows if row["action"] in names)


def _without_own_sightings(found: dict[str, Sequence[Mapping[str, Any]]]) -> int:
    """Take what the API saw by itself, and what was detected, out of the security events; how many were entries."""
    own = {sighting.type for sighting in sightings()}
    rows = found.get(SECURITY, ())
    if SECURITY in found:
        found[SECURITY] = [row for row in rows if row["type"] not in {*own, DETECTED}]
    return sum(row["type"] in own for row in rows)


def _columns(kind: str, expected: Expected) -> frozenset[str]:
    """The columns that are looked at."""
    wanted = columns_of(expected.rows.get(kind, {}))
    return wanted | {AUDIT: {"action", "actor_hash"}, SECURITY: {"type"}}.get(kind, frozenset())


def _answer_lines(kind: str, posted: Posted) -> Iterator[Line]:
    """Sent = accepted + dropped + rejected, each of them as it had to be, and each refusal for the right reason."""
    yield Line(kind, "sent, each with one answer", sum(posted.answers.values()), sum(posted.answered.values()))
    for status in sorted(set(posted.answers) | set(posted.answered)):
        yield Line(kind, f"  {status}", posted.answers.get(status, 0), posted.answered.get(status, 0))
    if posted.reasons:
        yield Line(kind, "  refusals that say why", posted.reasons, posted.told)


def _entry_lines(kind: str, wanted: Mapping[str, int], totals: IngestTotals, own: int) -> Iterator[Line]:
    """Events in the streams (an entry is one, or as many frames as it holds) = the sum of what became of them.

    `own` of them nobody sent: the API added them by itself, and they were stored.
    """
    counted = dict(totals.outcomes.get(kind, {}))
    if own:
        counted["stored"] = counted.get("stored", 0) - own
    yield Line(kind, "events in the landing queue", sum(wanted.values()), totals.entries.get(kind, 0) - own)
    for outcome in sorted(name for name in set(wanted) | set(counted) if wanted.get(name) or counted.get(name)):
        yield Line(kind, f"  {outcome}", wanted.get(outcome, 0), counted.get(outcome, 0))


def _access_lines(expected: Expected, rows: Sequence[Mapping[str, Any]], alike: Alike) -> Iterator[Line]:
    """One access record a view; where the trail also knows a person by their own acts, it is theirs."""
    found = Counter(row["actor_hash"] for row in rows if row["action"] == _ACCESS)
    yield Line(AUDIT, "access records", sum(expected.accesses.values()), found.total())
    if AUDIT in expected.posted:
        right = sum(
            min(count, found[alike.value_of(f"audit_actor:{person}")]) for person, count in expected.accesses.items()
        )
        yield Line(AUDIT, "access records of whom they are about", sum(expected.accesses.values()), right)


def _drop_lines(warehouse: Warehouse, expected: Expected) -> Iterator[Line]:
    """Dropped by kind, level and reason."""
    rows = warehouse.query("count_drops").to_pylist()
    found = {(row["kind"], row["consent_level"], row["reason"]): row["drops"] for row in rows}
    for key in sorted(set(expected.drops) | set(found)):
        kind, level, reason = key
        yield Line(DROPS, f"  {kind} at level {level}: {reason}", expected.drops.get(key, 0), found.get(key, 0))
