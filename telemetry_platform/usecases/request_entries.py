"""The entries of one request, gathered before any is written: bodies, pseudonyms under the right epoch, streams.

Invariants: an entry of a session carries the pseudonym that the session began with; an access record carries the audit
pseudonym and no session; a drop carries nobody. What entries of a request share is encoded once.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from telemetry_platform.contracts.pii import ROTATING_DOMAINS, Domain
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.agent import NO_HINTS, Device, Hints, reduce_agent
from telemetry_platform.processing.fan_out import access_record
from telemetry_platform.processing.payload_reading import Rejection
from telemetry_platform.stores.landing_producer import EntryGroup
from telemetry_platform.stores.session_pins import Pin

if TYPE_CHECKING:
    from telemetry_platform.contracts.consent import DropReason
    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.processing.gate import Permission
    from telemetry_platform.processing.pseudonyms import KeyRing

_ACCEPTED = 202
_NOBODY = ""
_NO_PIN = Pin(0, _NOBODY)


class Origin(NamedTuple):
    """Whom an event concerns, and from where it came: the request's own caller, or whom a service names.

    `actor_id` is a raw id and lives in this process only, as long as the request; None stands for nobody.
    """

    org_id: str
    actor_id: str | None
    ip_truncated: str | None
    user_agent: str
    hints: Hints = NO_HINTS


@dataclass(frozen=True)
class Submission:
    """Who sends, from where, under which permission: all that the events of one request share, already reduced."""

    origin: Origin = field(repr=False)
    actor_type: str
    permission: Permission
    method: str
    path: str
    received_at: int
    trace_id: str
    erased_at: int | None = None
    """When the caller was erased, in milliseconds; what is from before does not come back."""


class Draft(NamedTuple):
    """A valid event that is not yet written; `place` is its place in the request."""

    place: int
    event: str
    event_id: str
    session_id: str | None
    touch: bool
    row: dict[str, Any]
    raw_media_id: str | None
    origin: Origin
    source: tuple[str, int] | None = None
    """The process that made the event and its number there, where a service says so."""


class RequestEntries:
    """What one request has gathered: pins, and entries by stream and head."""

    def __init__(self, submission: Submission, ring: KeyRing, shards: int) -> None:
        self.submission = submission
        self.pins: dict[str, Pin] = {}
        self.keeps_errors = False
        """Whether a player's error is kept as an error report, even where the event itself is dropped."""
        self._ring = ring
        self._shards = shards
        self._entries: dict[tuple[str, int, str, str, int], list[tuple[str, bytes]]] = {}
        self._sources: dict[tuple[str, int, str, str, int], dict[int, tuple[str, int]]] = {}
        self._fragments: dict[tuple[str, str | None, str, Hints, bool], tuple[Device, bytes]] = {}
        self._epochs: dict[Domain, int] = {}
        self._own_pins: dict[tuple[Domain, str | None], Pin] = {}

    @property
    def ring(self) -> KeyRing:
        """The keys that the request is hashed with."""
        return self._ring

    def pseudonym(self, domain: Domain, identifier: str) -> str:
        """A pseudonym under the epoch of now, of a domain that has one key for ever or of another one."""
        return self._ring.pseudonym(domain, self.epoch(domain), identifier)

    def epoch(self, domain: Domain) -> int:
        """The epoch of now; domains with one key for ever have the first one."""
        if domain not in ROTATING_DOMAINS:
            return 1
        epoch = self._epochs.get(domain)
        if epoch is None:
            epoch = self._epochs[domain] = self._ring.epoch_at(domain, self.submission.received_at)
        return epoch

    def own_pin(self, origin: Origin, domain: Domain = Domain.ACTOR) -> Pin:
        """The actor's pseudonym under the epoch of now: what a session of theirs begins with."""
        if origin.actor_id is None:
            return _NO_PIN
        pin = self._own_pins.get((domain, origin.actor_id))
        if pin is None:
            epoch = self.epoch(domain)
            pin = Pin(epoch, self._ring.pseudonym(domain, epoch, origin.actor_id))
            self._own_pins[domain, origin.actor_id] = pin
        return pin

    def pin(self, kind: EventKind, draft: Draft) -> Pin | Rejection:
        """Under which pseudonym and epoch the event is stored; a session's, when it is the actor's own."""
        actor_id = draft.origin.actor_id
        pin = self.pins.get(draft.session_id) if draft.session_id is not None else None
        if pin is None or actor_id is None:
            return self.own_pin(draft.origin, kind.actor_domain)
        if self._ring.pseudonym(Domain.ACTOR, pin.epoch, actor_id) != pin.actor_hash:
            return Rejection("session_owner_conflict", "the session was begun by somebody else", status=409)
        return pin

    def add(self, kind: str, draft: Draft, row: dict[str, Any], owner: Pin) -> None:
        """An entry with the person's pseudonym under the session's epoch."""
        _, fragment = self._fragment(kind, draft)
        shard = self._shard(draft.session_id or owner.actor_hash or draft.event_id)
        body = fragment + orjson.dumps(row)[1:]
        self._put(kind, shard, draft.origin.org_id, owner, draft.event_id, body, draft.source)

    def add_access(self, draft: Draft) -> None:
        """The access record of a view: the audit pseudonym, no session id."""
        given, origin = self.submission, draft.origin
        owner = self.own_pin(origin, Domain.AUDIT_ACTOR)
        media_id = draft.raw_media_id or ""
        event_id = self._ring.access_id(origin.org_id, draft.session_id or "", origin.actor_id or "", media_id)
        body = access_record(
            occurred_at=draft.row["occurred_at"],
            actor_type=given.actor_type,
            resource_id_hash=self.pseudonym(Domain.RESOURCE, media_id),
            method=given.method,
            path=given.path,
            status_code=_ACCEPTED,
            ip_truncated=origin.ip_truncated,
            device_type=self._fragment("audit", draft)[0].device_type,
        )
        self._put("audit", self._shard(event_id), origin.org_id, owner, event_id, orjson.dumps(body))

    def add_drop(self, kind: str, draft: Draft, reason: DropReason) -> None:
        """That something was dropped: what and why, not whose."""
        body = orjson.dumps({"kind": kind, "event": draft.event, "reason": reason.value})
        org_id = draft.origin.org_id
        event_id = self._ring.drop_id(org_id, kind, draft.event_id)
        self._put("drops", self._shard(event_id), org_id, _NO_PIN, event_id, body)

    def groups(self) -> list[EntryGroup]:
        """All entries, by stream."""
        given = self.submission
        level = int(given.permission.level)
        return [
            EntryGroup(
                *(kind, shard, given.received_at, org_id, actor_hash, epoch, level, given.trace_id, events),
                sources=self._sources.get((kind, shard, org_id, actor_hash, epoch), {}),
            )
            for (kind, shard, org_id, actor_hash, epoch), events in self._entries.items()
        ]

    def _put(  # noqa: PLR0913, PLR0917 - an entry's parts
        self,
        kind: str,
        shard: int,
        org_id: str,
        owner: Pin,
        event_id: str,
        body: bytes,
        source: tuple[str, int] | None = None,
    ) -> None:
        key = (kind, shard, org_id, owner.actor_hash, owner.epoch)
        entries = self._entries.setdefault(key, [])
        if source is not None:
            self._sources.setdefault(key, {})[len(entries)] = source
        entries.append((event_id, body))

    def _shard(self, key: str) -> int:
        return zlib.crc32(key.encode()) % self._shards if self._shards > 1 else 0

    def _fragment(self, kind: str, draft: Draft) -> tuple[Device, bytes]:
        """The part of a body that entries of one origin share, up to the comma."""
        origin = draft.origin
        key = (kind, origin.ip_truncated, origin.user_agent, origin.hints, draft.touch)
        found = self._fragments.get(key)
        if found is None:
            device = reduce_agent(origin.user_agent, touch=draft.touch, hints=origin.hints)
            known = {
                "ip_truncated": origin.ip_truncated,
                **device._asdict(),
                "user_agent_family": device.browser_family,
            }
            shared = {name: known[name] for name in shared_columns(kind)}
            found = self._fragments[key] = (device, orjson.dumps(shared)[:-1] + b"," if shared else b"{")
        return found


@lru_cache(maxsize=64)
def shared_columns(kind: str) -> tuple[str, ...]:
    """Columns of the kind's table that say from where an event came: the same for all events of one origin."""
    of_origin = {"ip_truncated", "user_agent_family", *Device._fields}
    return tuple(column.name for column in kinds()[kind].table.columns if column.name in of_origin)
