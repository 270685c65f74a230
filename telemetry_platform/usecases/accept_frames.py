"""Accept what holds frames: each posted event shares a session, and every frame of it gets a verdict of its own.

The same interface and the same order as `accept_events`: all is decided before the first entry is written. Invariants:
a fault of what the frames share costs them all, a fault in a frame that frame alone; a frame is identified by its
session and its number, so that a re-send is recognised whichever frames it comes with; nothing raw is in an entry.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from telemetry_platform.contracts.consent import DropReason
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.clock import occurred_at
from telemetry_platform.processing.frame_reading import FrameReader, GoodFrame
from telemetry_platform.processing.frames import PACK, frame_ids, pack
from telemetry_platform.processing.json_reading import repaired
from telemetry_platform.processing.payload_reading import FieldFault, PayloadReader, Rejection
from telemetry_platform.processing.rows import RowBuilder
from telemetry_platform.usecases.accept_events import TOO_LATE, Accepted, counted, milliseconds, storable, take_pins
from telemetry_platform.usecases.before_erasure import began_before, occurred_before
from telemetry_platform.usecases.request_entries import Draft, RequestEntries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from telemetry_platform.contracts.event_kind import EventKind, Frames
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.usecases.accept_events import Landing
    from telemetry_platform.usecases.request_entries import Submission

CONFLICT = Rejection(
    "frame_conflict", "the request holds another frame with this number in this session: the first one is taken"
)


class TooManyFramesError(ContractViolationError):
    """A request with more frames than it may bring, of all its events together: nothing of it is taken."""

    def __init__(self, most: int, field: str) -> None:
        super().__init__(f"a request holds at most {most} frames: send the others in another one")
        self.code = "too_many_frames"
        self.faults = (FieldFault(field, f"must hold at most {most} frames", self.code),)


@dataclass(frozen=True)
class _Kept:
    """A frame that is taken unless its session is not: its place among the results, and its times."""

    place: int
    frame: GoodFrame
    at: int
    skewed: bool


@dataclass(frozen=True)
class _Session:
    """One posted event: what its frames share, ready for the queue, and the frames that are taken so far."""

    draft: Draft
    session_id: UUID
    sent_at: int | None
    kept: list[_Kept] = field(default_factory=list)


class FrameAcceptor:
    """Accepts events of one kind with frames."""

    def __init__(
        self, kind: EventKind, landing: Landing, _new_id: Callable[[], UUID], reduced_path: Callable[[str], str]
    ) -> None:
        """As for every acceptor; no frame needs a new id. Raises TypeError for a kind without frames or endpoint."""
        frames = kind.frames
        if frames is None or kind.endpoint is None:
            raise TypeError(f"{kind.name} has no frames that are posted")
        self.kind = kind
        self._frames: Frames = frames
        self._landing = landing
        self._most = kind.endpoint.max_events
        self._reader = PayloadReader(kind, (frames.envelope,))
        self._frame_reader = FrameReader(kind, frames)
        self._rows = RowBuilder((frames.envelope,), reduced_path)

    async def accept(
        self, submission: Submission, events: Sequence[Any], ring: KeyRing, *, may_need_repair: bool
    ) -> Accepted:
        """The verdict on each frame, after all that is kept has been added to the queue.

        Raises TooManyFramesError.
        """
        self._check_count(events)
        request = RequestEntries(submission, ring, self._landing.shards)
        results: list[dict[str, Any] | Rejection] = []
        sessions: list[_Session] = []
        seen: dict[tuple[UUID, int], GoodFrame] = {}
        unknown = changed = 0
        for given in events:
            shared, frames = self._parted(given)
            was_changed = False
            if may_need_repair:
                shared, was_changed = repaired(shared)
            read = self._reader.read(shared)
            if isinstance(read, Rejection) or not isinstance(frames, list) or not frames:
                changed += was_changed
                results.append(read if isinstance(read, Rejection) else _no_frames(self._frames.field))
                continue
            judged = self._frame_reader.read(frames, may_need_repair=may_need_repair)
            changed += was_changed or judged.repaired
            unknown += read.unknown_fields + judged.unknown_fields
            session = self._session(read.model.__dict__, self._rows.row(read.model, request.pseudonym), request)
            for verdict in judged.verdicts:
                results.append(self._verdict(verdict, session, seen, len(results), request))
            sessions.append(session)
        await self._decide(sessions, results, request)
        await self._landing.add(request)
        return Accepted(results, Counter(map(counted, results)), unknown, changed, several=bool(sessions))

    def _check_count(self, events: Sequence[Any]) -> None:
        """Refuse more frames than one request may bring: known before anything of them is read."""
        lists = [event.get(self._frames.field) for event in events if isinstance(event, dict)]
        if sum(len(frames) for frames in lists if isinstance(frames, list)) > self._most:
            raise TooManyFramesError(self._most, self._frames.field)

    def _parted(self, event: Any) -> tuple[Any, Any]:  # noqa: ANN401 - whatever JSON held
        """What the frames share, and the frames."""
        if not isinstance(event, dict):
            return event, None
        return {name: value for name, value in event.items() if name != self._frames.field}, event.get(
            self._frames.field
        )

    def _session(self, values: dict[str, Any], row: dict[str, Any], request: RequestEntries) -> _Session:
        """What the frames share. The entry goes under the session's id: all copies of a frame are in such entries."""
        session = values[self.kind.session_field or ""]
        client, sent_at = values.get("client"), values.get("sent_at")
        touch = client is not None and (client.max_touch_points or 0) > 1
        draft = Draft(0, "", str(session), str(session), touch, row, None, request.submission.origin)
        return _Session(draft, session, None if sent_at is None else milliseconds(sent_at))

    def _verdict(
        self,
        verdict: GoodFrame | Rejection,
        session: _Session,
        seen: dict[tuple[UUID, int], GoodFrame],
        place: int,
        request: RequestEntries,
    ) -> dict[str, Any] | Rejection:
        """A frame's own fault, or an empty verdict of one that is taken if its session is."""
        if isinstance(verdict, Rejection):
            return verdict
        first = seen.setdefault((session.session_id, verdict.number), verdict)
        if not first.says_the_same(verdict):
            return self._named(CONFLICT, verdict.number)
        moment = occurred_at(verdict.client_at, session.sent_at, request.submission.received_at)
        if moment.too_late:
            return self._named(TOO_LATE, verdict.number)
        session.kept.append(_Kept(place, verdict, moment.at, moment.skewed))
        return {}

    async def _decide(
        self, sessions: Sequence[_Session], results: list[dict[str, Any] | Rejection], request: RequestEntries
    ) -> None:
        """Write the entries of all sessions and say what became of their frames."""
        reason = request.submission.permission.refusal(self.kind.consent, self.kind.purpose)
        ended: frozenset[str] = frozenset()
        # A session's owner is asked for only where a row would carry them: a dropped frame says nothing of anybody.
        if reason is None:
            drafts = [session.draft for session in sessions if _staying(session, ended, request)]
            await take_pins(self._landing.pins, request, drafts)
            ended = await began_before(self._landing.pins, request, (draft.session_id for draft in drafts))
        for session in sessions:
            staying = _staying(session, ended, request)
            places = {kept.place for kept in staying}
            pin = request.pin(self.kind, session.draft) if reason is None and staying else None
            ids = frame_ids([session.session_id] * len(session.kept), [kept.frame.number for kept in session.kept])
            for kept, event_id in zip(session.kept, ids, strict=True):
                why = reason if kept.place in places else DropReason.ERASED
                number, draft = kept.frame.number, session.draft._replace(event_id=event_id)
                if why is None and isinstance(pin, Rejection):
                    results[kept.place] = self._named(pin, number)
                else:
                    results[kept.place] = self._answer(draft, number, why, request)
            if pin is not None and not isinstance(pin, Rejection):
                request.add(self.kind.name, session.draft, self._body(session, staying), pin)

    def _answer(self, draft: Draft, number: int, why: DropReason | None, request: RequestEntries) -> dict[str, Any]:
        """What is answered for a frame; one that is dropped is counted."""
        answer = {
            "status": "accepted",
            "event_id": draft.event_id,
            "session_id": draft.session_id,
            self._frames.number: number,
        }
        if why is None:
            return answer
        request.add_drop(self.kind.name, draft, why)
        return {**answer, "status": "dropped", "reason": why.value}

    def _body(self, session: _Session, kept: Sequence[_Kept]) -> dict[str, Any]:
        return {
            **session.draft.row,
            self._frames.number: [one.frame.number for one in kept],
            "occurred_at": [one.at for one in kept],
            "client_at": [storable(one.frame.client_at) for one in kept],
            "skewed": [one.skewed for one in kept],
            PACK: pack(np.stack([one.frame.points for one in kept])),
        }

    def _named(self, rejection: Rejection, number: int) -> Rejection:
        return rejection.naming(**{self._frames.number: number})


def _staying(session: _Session, ended: frozenset[str], request: RequestEntries) -> Sequence[_Kept]:
    """The frames that are not from before their sender's erasure; `ended` are sessions that had begun by then."""
    if session.draft.session_id in ended:
        return ()
    return [kept for kept in session.kept if not occurred_before(request, kept.at)]


def _no_frames(name: str) -> Rejection:
    fault = FieldFault(name, "must be a list of at least one frame", "list_expected")
    return Rejection("invalid_event", "the event is not what its contract says", (fault,))
