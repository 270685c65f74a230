"""Accept the events of one request: read, gate, reduce, and add all that is kept to the landing queue at once.

Invariants: everything about every event is decided before the first entry is written, so a fault of the whole request
leaves nothing behind; nothing raw is in an entry; a 202 means that Redis has all entries of the request on its disk.
The verdict on each event is a value: accepted, dropped with a reason, or rejected with a problem.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid5

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.clock import occurred_at
from telemetry_platform.processing.fan_out import ACCESS_EVENT, ERROR_EVENT, error_report
from telemetry_platform.processing.json_reading import repaired
from telemetry_platform.processing.payload_reading import PayloadReader, Rejection
from telemetry_platform.processing.rows import RowBuilder
from telemetry_platform.usecases.request_entries import Draft, RequestEntries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from pydantic import BaseModel

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.landing_producer import LandingProducer
    from telemetry_platform.stores.queue_room import QueueRoom
    from telemetry_platform.stores.session_pins import SessionPins
    from telemetry_platform.usecases.request_entries import Submission

# What DateTime64 can hold: a clock that shows the year 1 is kept as its first day.
_FIRST_MS, _LAST_MS = -2_208_988_800_000, 10_413_791_999_000
# Of these a player may send several in one millisecond: a jump over two quarters reaches two milestones at once. By
# session, type and time alone the second would be taken for a copy of the first, after a 202. Of all other types two in
# one millisecond are one event sent twice.
_TOLD_APART_BY = {
    "milestone": ("percent",),
    "seek": ("from_position", "to_position"),
    "error": ("error_code",),
}


@dataclass(frozen=True)
class Accepted:
    """The verdicts in the order of the events, and what is to be counted."""

    results: list[dict[str, Any] | Rejection]
    counts: Counter[tuple[str, str]]
    """By (accepted, dropped or rejected; reason)."""
    unknown_fields: int
    repaired: int


@dataclass(frozen=True)
class Landing:
    """The ways to the queue that requests share."""

    producer: LandingProducer
    pins: SessionPins
    room: QueueRoom
    shards: int


class EventAcceptor:
    """Accepts events of one kind. `new_id` makes ids for what has none."""

    def __init__(self, kind: EventKind, landing: Landing, new_id: Callable[[], UUID]) -> None:
        self.kind = kind
        self._landing = landing
        self._new_id = new_id
        self._reader = PayloadReader(kind)
        self._rows = RowBuilder(kind.payload)
        # Only a media event is also an access record or an error report.
        self._is_media = kind.name == "media"
        self._error_consent = kinds()["errors"].consent

    async def accept(
        self, submission: Submission, events: Sequence[Any], ring: KeyRing, *, may_need_repair: bool
    ) -> Accepted:
        """The verdict on each event, after all that is kept has been added to the queue."""
        request = RequestEntries(submission, ring, self._landing.shards)
        request.refusal = submission.permission.refusal(self.kind.consent)
        request.keeps_errors = self._is_media and submission.permission.refusal(self._error_consent) is None
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
        await self._pin(request, drafts)
        for draft in drafts:
            results[draft.place] = self._decide(draft, request)
        counts = Counter(map(_counted, results))
        groups = request.groups()
        streams = {group.kind for group in groups}
        self._landing.room.check(streams)
        await self._landing.producer.add(groups, durable="audit" in streams)
        return Accepted(results, counts, unknown, changed)

    def _draft(self, place: int, model: BaseModel, request: RequestEntries) -> Draft | Rejection:
        """The event with its corrected time and its columns."""
        values = model.__dict__
        client_at = _milliseconds(values["timestamp"])
        sent_at = values.get("sent_at")
        moment = occurred_at(
            client_at, None if sent_at is None else _milliseconds(sent_at), request.submission.received_at
        )
        if moment.too_late:
            return Rejection("too_late", "the event is older than seven days: it is not taken any more")
        event = values.get(self.kind.discriminator or "", "")
        session = values.get(self.kind.session_field or "")
        event_id = values.get("event_id")
        if event_id is None:
            event_id = self._new_id() if session is None else uuid5(session, _name(event, client_at, values))
        row = self._rows.row(model, request.pseudonym)
        row["occurred_at"] = moment.at
        row["client_at"] = min(max(client_at, _FIRST_MS), _LAST_MS)
        row["skewed"] = moment.skewed
        client = values.get("client")
        touch = client is not None and (client.max_touch_points or 0) > 1
        session_id = None if session is None else str(session)
        return Draft(place, event, str(event_id), session_id, touch, row, values.get("media_id"))

    async def _pin(self, request: RequestEntries, drafts: Iterable[Draft]) -> None:
        """Learn the pins of all sessions that will be in an entry."""
        if request.refusal is None:
            wanted = {draft.session_id for draft in drafts}
        elif request.keeps_errors:
            wanted = {draft.session_id for draft in drafts if draft.event == ERROR_EVENT}
        else:
            return
        org_id, now = request.submission.org_id, request.submission.received_at
        missing: list[str] = []
        for session_id in wanted:
            if session_id is None:
                continue
            pin = self._landing.pins.remembered(org_id, session_id, now)
            if pin is None:
                missing.append(session_id)
            else:
                request.pins[session_id] = pin
        if missing:
            request.pins |= await self._landing.pins.take(org_id, missing, request.own_pin(), now)

    def _decide(self, draft: Draft, request: RequestEntries) -> dict[str, Any] | Rejection:
        """Write the entries of one event and say what became of it."""
        reason = request.refusal
        pin = request.pin(draft.session_id) if reason is None or draft.event == ERROR_EVENT else None
        if isinstance(pin, Rejection):
            return pin
        if self._is_media and draft.event == ACCESS_EVENT:
            request.add_access(draft)
        if draft.event == ERROR_EVENT and request.keeps_errors:
            request.add("errors", draft, error_report(draft.row), pin)
        answer = {"status": "accepted", "event_id": draft.event_id, "session_id": draft.session_id}
        if reason is not None:
            request.add_drop(self.kind.name, draft, reason.value)
            return {**answer, "status": "dropped", "reason": reason.value}
        request.add(self.kind.name, draft, draft.row, pin)
        return answer


def _name(event: str, client_at: int, values: dict[str, Any]) -> str:
    """What an event without an id of its own is called within its session: the same on every re-send."""
    told_apart = [str(getattr(values["data"], field)) for field in _TOLD_APART_BY.get(event, ())]
    return ":".join([event, str(client_at), *told_apart])


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _counted(result: dict[str, Any] | Rejection) -> tuple[str, str]:
    if isinstance(result, Rejection):
        return "rejected", result.code
    return result["status"], result.get("reason", "")
