"""The entries of one request, gathered before any is written: bodies, pseudonyms under the right epoch, streams.

Invariants: an entry of a session carries the pseudonym that the session began with; an access record carries the audit
pseudonym and no session; a drop carries nobody. What entries of a request share is encoded once.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.processing.agent import reduce_agent
from telemetry_platform.processing.fan_out import access_record
from telemetry_platform.processing.payload_reading import Rejection
from telemetry_platform.stores.landing_producer import EntryGroup
from telemetry_platform.stores.session_pins import Pin

if TYPE_CHECKING:
    from telemetry_platform.contracts.consent import DropReason
    from telemetry_platform.processing.agent import Device
    from telemetry_platform.processing.gate import Permission
    from telemetry_platform.processing.pseudonyms import KeyRing

_ACCEPTED = 202
_NOBODY = ""


@dataclass(frozen=True)
class Submission:
    """Who sends, from where, under which permission: all that the events of one request share, already reduced.

    `actor_id` is the token's subject; it lives in this process only, as long as the request.
    """

    org_id: str
    actor_id: str = field(repr=False)
    actor_type: str
    ip_truncated: str | None
    user_agent: str = field(repr=False)
    permission: Permission
    method: str
    path: str
    received_at: int
    trace_id: str


class Draft(NamedTuple):
    """A valid event that is not yet written; `place` is its place in the request."""

    place: int
    event: str
    event_id: str
    session_id: str | None
    media_touch: bool
    row: dict[str, Any]
    raw_media_id: str | None


class RequestEntries:
    """What one request has gathered: pins, and entries by stream and head."""

    def __init__(self, submission: Submission, ring: KeyRing, shards: int) -> None:
        self.submission = submission
        self.pins: dict[str, Pin] = {}
        self.refusal: DropReason | None = None
        """Why events of this kind are dropped, all of this request."""
        self.keeps_errors = False
        """Whether a player's error is kept as an error report, even where the event itself is dropped."""
        self._ring = ring
        self._shards = shards
        self._entries: dict[tuple[str, int, str, int], list[tuple[str, bytes]]] = {}
        self._fragments: dict[bool, tuple[Device, bytes]] = {}
        self._own_pin: Pin | None = None

    def pseudonym(self, domain: Domain, identifier: str) -> str:
        """A pseudonym of a domain that has one key for ever."""
        return self._ring.pseudonym(domain, 1, identifier)

    def own_pin(self) -> Pin:
        """The actor's pseudonym under the epoch of now: what a session of theirs begins with."""
        if self._own_pin is None:
            epoch = self._ring.epoch_at(Domain.ACTOR, self.submission.received_at)
            self._own_pin = Pin(epoch, self._ring.pseudonym(Domain.ACTOR, epoch, self.submission.actor_id))
        return self._own_pin

    def pin(self, session_id: str | None) -> Pin | Rejection | None:
        """The pin of the event's session, when it is the actor's own; None when none was asked for."""
        if session_id is None:
            return self.own_pin()
        pin = self.pins.get(session_id)
        if pin is None:
            return None
        if self._ring.pseudonym(Domain.ACTOR, pin.epoch, self.submission.actor_id) != pin.actor_hash:
            return Rejection("session_owner_conflict", "the session was begun by somebody else", status=409)
        return pin

    def add(self, kind: str, draft: Draft, row: dict[str, Any], pin: Pin | None) -> None:
        """An entry with the person's pseudonym under the session's epoch."""
        owner = pin or self.own_pin()
        _, fragment = self._fragment(draft.media_touch)
        shard = self._shard(draft.session_id or owner.actor_hash)
        body = fragment + orjson.dumps(row)[1:]
        self._entries.setdefault((kind, shard, owner.actor_hash, owner.epoch), []).append((draft.event_id, body))

    def add_access(self, draft: Draft) -> None:
        """The access record of a view: the audit pseudonym, no session id."""
        given = self.submission
        epoch = self._ring.epoch_at(Domain.AUDIT_ACTOR, given.received_at)
        actor_hash = self._ring.pseudonym(Domain.AUDIT_ACTOR, epoch, given.actor_id)
        media_id = draft.raw_media_id or ""
        event_id = self._ring.access_id(given.org_id, draft.session_id or "", given.actor_id, media_id)
        body = access_record(
            occurred_at=draft.row["occurred_at"],
            actor_type=given.actor_type,
            resource_id_hash=self.pseudonym(Domain.RESOURCE, media_id),
            method=given.method,
            path=given.path,
            status_code=_ACCEPTED,
            ip_truncated=given.ip_truncated,
            device_type=self._fragment(draft.media_touch)[0].device_type,
        )
        key = ("audit", self._shard(event_id), actor_hash, epoch)
        self._entries.setdefault(key, []).append((event_id, orjson.dumps(body)))

    def add_drop(self, kind: str, draft: Draft, reason: str) -> None:
        """That something was dropped: what and why, not whose."""
        body = orjson.dumps({"kind": kind, "event": draft.event, "reason": reason})
        event_id = self._ring.drop_id(self.submission.org_id, kind, draft.event_id)
        self._entries.setdefault(("drops", self._shard(event_id), _NOBODY, 0), []).append((event_id, body))

    def groups(self) -> list[EntryGroup]:
        """All entries, by stream."""
        given = self.submission
        level = int(given.permission.level)
        return [
            EntryGroup(kind, shard, given.received_at, given.org_id, actor_hash, epoch, level, given.trace_id, events)
            for (kind, shard, actor_hash, epoch), events in self._entries.items()
        ]

    def _shard(self, key: str) -> int:
        return zlib.crc32(key.encode()) % self._shards if self._shards > 1 else 0

    def _fragment(self, touch: bool) -> tuple[Device, bytes]:  # noqa: FBT001 - the key of a small cache
        """The part of a body that the request's entries share, up to the comma."""
        found = self._fragments.get(touch)
        if found is None:
            device = reduce_agent(self.submission.user_agent, touch=touch)
            shared = {"ip_truncated": self.submission.ip_truncated, **device._asdict()}
            found = self._fragments[touch] = (device, orjson.dumps(shared)[:-1] + b",")
        return found
