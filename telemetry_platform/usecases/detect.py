"""Detection over one batch: its rows by rule and group, what was before from Redis, and the events that follow.

Invariants: the same batch gives the same detections on every try, with the same ids, so that the table keeps each once;
a detection names the network or the account that its rule counts by, as the rows do, and nothing that they do not hold.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid5

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from telemetry_platform.contracts.detection import DETECTED, By, rules_of
from telemetry_platform.contracts.episodes import Mark
from telemetry_platform.contracts.sightings import sightings
from telemetry_platform.processing.detection import advanced, reached
from telemetry_platform.stores.detection_windows import Group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from telemetry_platform.contracts.detection import Rule
    from telemetry_platform.contracts.episodes import Episode, Step
    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.stores.detection_windows import After, DetectionWindows

    Row = Mapping[str, Any]

_NAME = {"security": "type", "audit": "action"}
"""The column that rules look at, by kind."""
_WANTED = (
    "event_id", "occurred_at", "org_id", "type", "action", "actor_hash", "key_epoch", "ip_truncated", "address_hash",
    "address_key_epoch", "country_code", "details",
)  # fmt: skip
_OWN = frozenset(sighting.type for sighting in sightings())
_MOST_WEIGHT = 1_000_000
_NOBODY: Mapping[str, Any] = {"actor_hash": "", "key_epoch": 0}
_SAID_OF = {
    By.NETWORK: ("ip_truncated", "country_code"),
    By.ADDRESS: ("address_hash", "address_key_epoch"),
    By.ACCOUNT: ("actor_hash", "key_epoch"),
    By.TOKEN: ("actor_hash", "key_epoch"),
}
"""What a detection says of whom it concerns."""


def detect(kind: EventKind, rows: pa.Table, windows: DetectionWindows) -> list[dict[str, Any]]:
    """The security events that a batch of `kind` leads to, as `security.append` takes them.

    Those of episodes that go on are told again: the table has them already. Raises TransientError when Redis does not
    answer, QueueFullError when it has no memory for the key of a day.
    """
    groups, concerning = _grouped(kind, rows)
    if not groups:
        return []
    stretches = windows.read(groups)
    steps = [
        reached(group.rule, group.with_known(known), min(mark.at for mark in group.marks))
        for group, known in zip(groups, stretches, strict=True)
    ]
    # Of most groups there is nothing to tell: their episodes are not asked for.
    places = [place for place, found in enumerate(steps) if found]
    after: list[After] = []
    told: list[dict[str, Any]] = []
    for place, known in zip(places, windows.episodes([groups[place] for place in places]), strict=True):
        group, row = groups[place], concerning[place]
        episodes, touched = advanced(group.rule, steps[place], tuple(known.episodes.values()))
        after.append((group, known, episodes))
        for episode in touched:
            told += _told(kind, group, row, episode, windows.episode_id(group, known, episode))
    windows.write(list(zip(groups, stretches, strict=True)), after)
    return told


def _told(kind: EventKind, group: Group, row: Row, episode: Episode, episode_id: UUID) -> Iterator[dict[str, Any]]:
    """The events of an episode, one for each severity that it has climbed to."""
    for step in episode.steps:
        yield {
            "event_id": str(uuid5(episode_id, step.severity.value)),
            "occurred_at": step.at,
            "org_id": group.org_id,
            "type": DETECTED,
            "severity": step.severity.value,
            "rule_id": group.rule.id,
            "details": _details(group.rule, step, str(episode_id)),
            **_NOBODY,
            **_whom(kind, group.rule, row),
        }


def _grouped(kind: EventKind, rows: pa.Table) -> tuple[list[Group], list[Row]]:
    """The groups that the rows belong to, and a row of each: what it says of whom it concerns, all of them say."""
    rules = rules_of(kind.name)
    marks: dict[tuple[Rule, str, str], list[Mark]] = {}
    concerning: dict[tuple[Rule, str, str], Row] = {}
    taken = {name: _taking(rules, name) for name in pc.unique(rows[_NAME[kind.name]]).to_pylist()}
    for row in _read(rows, _NAME[kind.name], [name for name, of_name in taken.items() if of_name]):
        of_row = taken[row[_NAME[kind.name]]]
        details = orjson.loads(row["details"]) if row["type"] in _OWN and row["details"] else {}
        for rule in of_row:
            value, apart = _value(rule.by, row, details), _value(rule.distinct, row, details)
            if not value or (rule.distinct is not None and not apart):
                continue
            told = apart if rule.distinct is By.COUNTRY else _short(apart)
            key = (rule, row["org_id"], value)
            marks.setdefault(key, []).append(Mark(row["occurred_at"], row["event_id"], _weight(details), told))
            concerning.setdefault(key, row)
    groups = [Group(rule, org_id, value, tuple(found)) for (rule, org_id, value), found in marks.items()]
    return groups, list(concerning.values())


def _taking(rules: tuple[Rule, ...], name: str) -> list[Rule]:
    return [rule for rule in rules if rule.takes(name)]


def _read(rows: pa.Table, column: str, names: list[str]) -> Iterator[Row]:
    """Rows of these names with the columns that matter; what the table has not is None. Times are milliseconds.

    Most entries of the trail count nowhere: no row is made of them.
    """
    there = [name for name in _WANTED if name in rows.column_names]
    table = rows.select(there).filter(pc.is_in(rows[column], value_set=pa.array(names, pa.string())))
    at = table.schema.get_field_index("occurred_at")
    for row in table.set_column(at, "occurred_at", table["occurred_at"].cast(pa.int64())).to_pylist():
        yield dict.fromkeys(_WANTED) | row


def _value(by: By | None, row: Row, details: Mapping[str, Any]) -> str:
    """What a row is grouped or told apart by; empty when it does not say it."""
    if by is None:
        return ""
    if by is By.TOKEN:
        token = details.get("token")
        return token if isinstance(token, str) else ""
    if by is By.ADDRESS:
        # One that stands for many addresses of a network has no address of its own.
        return row["address_hash"] or row["ip_truncated"] or ""
    return row[by.value] or ""


def _short(value: str) -> str:
    """Enough to tell values apart: what lies in Redis need not be longer."""
    return hashlib.sha256(value.encode()).hexdigest()[:12] if value else ""


def _weight(details: Mapping[str, Any]) -> int:
    count = details.get("count")
    return min(max(count, 1), _MOST_WEIGHT) if type(count) is int else 1


def _whom(kind: EventKind, rule: Rule, row: Row) -> dict[str, Any]:
    """The network or account. Not the audit trail's pseudonym of somebody: no event holds it."""
    if kind.name == "audit" and rule.by is not By.NETWORK:
        return {}
    return {name: row[name] for name in _SAID_OF.get(rule.by, ())}


def _details(rule: Rule, step: Step, episode_id: str) -> str:
    told: dict[str, Any] = {
        "episode_id": episode_id,
        "count": step.measure,
        "counts": "events" if rule.distinct is None else rule.distinct.name.lower(),
        "first_at": _text(step.first_at),
        "last_at": _text(step.at),
        "window_seconds": rule.window_ms // 1000,
    }
    if step.values:
        told["countries"] = list(step.values)
    return orjson.dumps(told).decode()


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
