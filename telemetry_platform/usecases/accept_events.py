"""Accept the events of one request: read, gate, reduce, and add all that is kept to the landing queue at once.

Invariants: everything about every event is decided before the first entry is written, so a fault of the whole request
leaves nothing behind; nothing raw is in an entry; a 202 means that Redis has all entries of the request on its disk.
The verdict on each event is a value: accepted, dropped with a reason, or rejected with a problem.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from telemetry_platform.contracts.consent import DropReason
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.registry import kinds, kinds_in
from telemetry_platform.processing.clock import occurred_at
from telemetry_platform.processing.fan_out import ACCESS_EVENT, ERROR_EVENT, error_report
from telemetry_platform.processing.json_reading import repaired
from telemetry_platform.processing.payload_reading import PayloadReader, Rejection
from telemetry_platform.processing.rows import RowBuilder
from telemetry_platform.usecases.before_erasure import (
    began_before,
    concerned_before,
    names_persons,
    occurred_before,
    unlinked,
)
from telemetry_platform.usecases.event_origin import complete, origin_of, source_of
from telemetry_platform.usecases.request_entries import Draft, RequestEntries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pydantic import BaseModel

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.landing_producer import LandingProducer
    from telemetry_platform.stores.queue_room import QueueRoom
    from telemetry_platform.stores.session_pins import SessionPins
    from telemetry_platform.usecases.request_entries import Submission
    from telemetry_platform.usecases.subject_list import SubjectList

# What DateTime64 can hold: a clock that shows the year 1 is kept as its first day.
_FIRST_MS, _LAST_MS = -2_208_988_800_000, 10_413_791_999_000


TOO_LATE = Rejection("too_late", "the event is older than seven days: it is not taken any more")


@dataclass(frozen=True)
class Accepted:
    """The verdicts in the order of the events, and what is to be counted."""

    results: list[dict[str, Any] | Rejection]
    counts: Counter[tuple[str, str]]
    """By (accepted, dropped or rejected; reason)."""
    unknown_fields: int
    repaired: int
    several: bool = False
    """An event got a verdict for each of its parts: the answer is a list, whether or not it came in a batch."""


@dataclass(frozen=True)
class Landing:
    """The ways to the queue that requests share, and what is asked for on them."""

    producer: LandingProducer
    pins: SessionPins
    room: QueueRoom
    shards: int
    subjects: SubjectList

    async def add(self, request: RequestEntries) -> None:
        """All entries of a request, or none. Raises QueueFullError when a stream has no room."""
        groups = request.groups()
        streams = {group.kind for group in groups}
        self.room.check(streams, stranger=request.submission.origin.actor_id is None)
        await self.producer.add(groups, durable=not streams.isdisjoint(_durable_kinds()))


class EventAcceptor:
    """Accepts events of one kind. `new_id` makes ids for what has none."""

    def __init__(
        self, kind: EventKind, landing: Landing, new_id: Callable[[], UUID], reduced_path: Callable[[str], str]
    ) -> None:
        self.kind = kind
        self._landing = landing
        self._new_id = new_id
        self._reader = PayloadReader(kind)
        self._rows = RowBuilder(kind.payload, reduced_path)
        self._columns = frozenset(column.name for column in kind.table.columns)
        # Only a media event is also an access record or an error report.
        self._is_media = kind.name == "media"
        self._errors = kinds()["errors"]
        self._names_persons = names_persons(kind)
        self._is_swept = isinstance(kind.table.erasure, SweptBy)

    async def accept(
        self, submission: Submission, events: Sequence[Any], ring: KeyRing, *, may_need_repair: bool
    ) -> Accepted:
        """The verdict on each event, after all that is kept has been added to the queue."""
        request = RequestEntries(submission, ring, self._landing.shards)
        request.keeps_errors = self._is_media and submission.permission.refusal(self._errors.consent) is None
        results: list[dict[str, Any] | Rejection] = []
        drafts: list[Draft] = []
        unknown = changed = 0
        for place, given in enumerate(events):
            event = given
            if may_need_repair:
                event, was_changed = repaired(given)
                changed += was_changed
            read = self._reader.read(event)
            if isinstance(read, Rejection):
                results.append(read)
                continue
            unknown += read.unknown_fields
            draft = self._draft(place, read.model, request)
            if isinstance(draft, Rejection):
                results.append(draft)
            else:
                drafts.append(draft)
                results.append({})
        drafts, gone = await self._from_before(drafts, request)
        for draft in drafts:
            results[draft.place] = self._decide(draft, request, is_gone=draft.place in gone)
        await self._landing.add(request)
        return Accepted(results, Counter(map(counted, results)), unknown, changed)

    def _draft(self, place: int, model: BaseModel, request: RequestEntries) -> Draft | Rejection:
        """The event with its corrected time and its columns."""
        values = model.__dict__
        client_at = milliseconds(values["timestamp"])
        sent_at = values.get("sent_at")
        moment = occurred_at(
            client_at, None if sent_at is None else milliseconds(sent_at), request.submission.received_at
        )
        if moment.too_late:
            return TOO_LATE
        event = values.get(self.kind.discriminator or "", "")
        origin, address = origin_of(self.kind, values, request.submission)
        session = values.get(self.kind.session_field or "")
        row = self._rows.row(model, request.pseudonym)
        if origin.actor_id is None and session is not None:
            # A stranger's word does not put anything into somebody's session.
            session = row[self.kind.session_field or ""] = None
        event_id = values.get("event_id")
        if event_id is None:
            if self.kind.derives_ids and isinstance(session, UUID):
                event_id = uuid5(session, self._name(event, client_at, row))
            else:
                event_id = self._new_id()
        row["occurred_at"] = moment.at
        if "client_at" in self._columns:
            row["client_at"] = storable(client_at)
            row["skewed"] = moment.skewed
        complete(self.kind, row, values, request, address)
        client = values.get("client")
        touch = client is not None and (client.max_touch_points or 0) > 1
        session_id = None if session is None else str(session)
        source = source_of(values)
        return Draft(place, event, str(event_id), session_id, touch, row, values.get("media_id"), origin, source)

    def _name(self, event: str, client_at: int, row: dict[str, Any]) -> str:
        """What an event without an id of its own is called within its session: the same on every re-send."""
        told_apart = [str(row[column]) for column in self.kind.told_apart_by.get(event, ())]
        return ":".join([event, str(client_at), *told_apart])

    def _refusal(self, event: str, request: RequestEntries) -> DropReason | None:
        return request.submission.permission.refusal(
            self.kind.needs(event), self.kind.purpose, is_kept_always=self.kind.is_kept_always
        )

    async def _from_before(self, drafts: list[Draft], request: RequestEntries) -> tuple[list[Draft], set[int]]:
        """The drafts, and the places of those that are dropped, as from before somebody's erasure.

        Takes the pins of all sessions that rows will carry.
        """
        if self._names_persons:
            kept = [draft for draft in drafts if self._refusal(draft.event, request) is None]
            before = await concerned_before(self._landing.subjects, self.kind, request, kept)
            if self._is_swept:
                return drafts, set(before)
            # What stays for a duty of its own stays without the person.
            return [unlinked(draft) if draft.place in before else draft for draft in drafts], set()
        gone = {draft.place for draft in drafts if occurred_before(request, draft.row["occurred_at"])}
        owned = [draft for draft in drafts if draft.place not in gone and self._is_owned(draft, request)]
        await take_pins(self._landing.pins, request, owned)
        ended = await began_before(self._landing.pins, request, (draft.session_id for draft in owned))
        return drafts, gone | {draft.place for draft in owned if draft.session_id in ended}

    def _is_owned(self, draft: Draft, request: RequestEntries) -> bool:
        """Whether the event will be in an entry that carries its session's pin."""
        if draft.session_id is None or draft.origin.actor_id is None:
            return False
        if self._refusal(draft.event, request) is None:
            return True
        return request.keeps_errors and draft.event == ERROR_EVENT

    def _decide(self, draft: Draft, request: RequestEntries, *, is_gone: bool) -> dict[str, Any] | Rejection:
        """Write the entries of one event and say what became of it."""
        reason = DropReason.ERASED if is_gone else self._refusal(draft.event, request)
        is_error = request.keeps_errors and draft.event == ERROR_EVENT and not is_gone
        # A session's owner is asked for only where a row would carry them: a dropped event says nothing of anybody.
        if reason is None or is_error:
            pin = request.pin(self.kind, draft)
            if isinstance(pin, Rejection):
                return pin
            if is_error:
                request.add("errors", draft, error_report(draft.row), pin)
            if reason is None:
                request.add(self.kind.name, draft, draft.row, pin)
        if self._is_media and draft.event == ACCESS_EVENT:
            request.add_access(draft)
        answer = {"status": "accepted", "event_id": draft.event_id, "session_id": draft.session_id}
        if reason is not None:
            request.add_drop(self.kind.name, draft, reason)
            return {**answer, "status": "dropped", "reason": reason.value}
        return answer


@lru_cache(maxsize=1)
def _durable_kinds() -> frozenset[str]:
    """What must be on the disk after a 202, whatever the server's policy: audit and security records."""
    return frozenset(kind.name for kind in kinds_in(Store.POSTGRES))


async def take_pins(pins: SessionPins, request: RequestEntries, drafts: Sequence[Draft]) -> None:
    """Learn the pins of the drafts' sessions; a session without one is the sender's from now on."""
    org_id, now = request.submission.origin.org_id, request.submission.received_at
    missing: list[str] = []
    for session_id in {draft.session_id for draft in drafts}:
        if session_id is None:
            continue
        pin = pins.remembered(org_id, session_id, now)
        if pin is None:
            missing.append(session_id)
        else:
            request.pins[session_id] = pin
    if missing:
        request.pins |= await pins.take(org_id, missing, request.own_pin(request.submission.origin), now)


def milliseconds(moment: datetime) -> int:
    """Since 1970, UTC."""
    return round(moment.timestamp() * 1000)


def storable(client_at: int) -> int:
    """The client's own clock within what a column holds."""
    return min(max(client_at, _FIRST_MS), _LAST_MS)


def counted(result: dict[str, Any] | Rejection) -> tuple[str, str]:
    """How a verdict is counted: (accepted, dropped or rejected; reason)."""
    if isinstance(result, Rejection):
        return "rejected", result.code
    return result["status"], result.get("reason", "")
