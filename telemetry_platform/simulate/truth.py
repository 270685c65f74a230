"""The truth of a run: what was sent, what was answered, and what must be in which table.

One JSON object a line: the run, then every event that was sent, then every session. Synthetic ids only. Invariant:
what must be there follows from the story (`fates.py`, `player.py`, `tellers/`), never from an answer or from a table;
only the ids that the API gave to events without one are what it answered.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from telemetry_platform.simulate.fates import Fate
from telemetry_platform.simulate.tellers.all import BREAKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from telemetry_platform.simulate.events import Outgoing
    from telemetry_platform.simulate.http_client import Answered, Sending
    from telemetry_platform.simulate.story import PatientStory, SessionTruth

ACCESS = "session_start"
"""The media event that is an access to somebody's record, at every consent level."""
_ANSWERS = {
    Fate.STORED: "accepted",
    Fate.DUPLICATE: "accepted",
    Fate.ID_CONFLICT: "accepted",
    Fate.TOO_LATE: "rejected",
    Fate.REJECTED: "rejected",
    Fate.DROPPED: "dropped",
    Fate.DROPPED_AGAIN: "dropped",
    Fate.ERROR_ONLY: "dropped",
    Fate.ERROR_ONLY_DUPLICATE: "dropped",
}
_OUTCOMES = {
    Fate.STORED: "stored",
    Fate.DUPLICATE: "duplicate",
    Fate.ID_CONFLICT: "id_conflict",
    Fate.ERROR_ONLY: "stored",
    Fate.ERROR_ONLY_DUPLICATE: "duplicate",
}
_REFUSED = frozenset({Fate.REJECTED, Fate.TOO_LATE})
_DROPS = {
    Fate.DROPPED: "stored",
    Fate.DROPPED_AGAIN: "duplicate",
    Fate.ERROR_ONLY: "stored",
    Fate.ERROR_ONLY_DUPLICATE: "duplicate",
}


def entries_of(event: Outgoing, *, is_first_access: bool) -> dict[str, str]:
    """The entries that one sent event leaves in the landing queue: kind, and what becomes of it there."""
    fate = Fate(event.fate)
    if fate in _REFUSED:
        return {}
    found: dict[str, str] = {}
    if fate in _DROPS:
        found["drops"] = _DROPS[fate]
    if fate in _OUTCOMES:
        found |= {kind: _OUTCOMES[fate] for kind in event.rows if kind != event.kind or fate not in _DROPS}
    if event.kind == "media" and event.event == ACCESS:
        found["audit"] = "stored" if is_first_access else "duplicate"
    return found


def write_truth(path: Path, stories: Sequence[PatientStory], sending: Sending, run: Mapping[str, Any]) -> None:
    """Write the whole truth of a run; the file appears whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w", encoding="utf-8") as file:
        for record in _records(stories, sending, run):
            file.write(json.dumps(record, separators=(",", ":")) + "\n")
    temporary.replace(path)


def _records(stories: Sequence[PatientStory], sending: Sending, run: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    counts = {
        "requests": sending.requests,
        "unanswered": sending.unanswered,
        "told_to_wait": sending.told_to_wait,
    }
    yield {"record": "run", **run, **counts}
    accessed: set[str] = set()
    for sent in sending.answered:
        yield _sent_record(sent, accessed)
    for story in stories:
        for session in story.sessions:
            yield {"record": "session", "session_id": str(session.session_id), **_session_record(session)}


def _sent_record(sent: Answered, accessed: set[str]) -> dict[str, Any]:
    event, session_id = sent.event, str(sent.event.session_id)
    is_access = event.kind == "media" and event.event == ACCESS and event.broken is None
    is_first_access = is_access and session_id not in accessed
    if is_first_access:
        accessed.add(session_id)
    entries = entries_of(event, is_first_access=is_first_access)
    rows = {
        kind: {"columns": row.columns, "alike": row.alike}
        for kind, row in event.rows.items()
        if entries.get(kind) == "stored"
    }
    return {
        "record": "sent",
        "request": sent.request,
        "kind": event.kind,
        "sender": sent.sender.user_id,
        "org_id": event.org_id,
        "session_id": None if event.session_id is None else session_id,
        "event": event.event,
        # An event without an id of its own has the one that the API answers.
        "event_id": sent.event_id if event.event_id is None else str(event.event_id),
        "at": event.at.isoformat(),
        "level": event.level,
        "broken": event.broken,
        "fate": str(event.fate),
        "entries": entries,
        "must_answer": _ANSWERS[Fate(event.fate)],
        "answer": sent.status,
        "must_say": _reason(event),
        "reason": sent.reason,
        "rows": rows,
    }


def _reason(event: Outgoing) -> str | None:
    """What the answer must name: the field that is wrong, or why the event is not taken."""
    if event.broken is not None:
        return BREAKAGES[event.kind][event.broken].field
    return "too_late" if event.is_too_late else event.drop or None


def _session_record(session: SessionTruth) -> dict[str, Any]:
    """What must be stored of a session: its columns as far as they are known, and its stalls that no column counts."""
    lived, patient = session.lived, session.patient
    figures: dict[str, Any] = {
        "outcome": lived.state,
        "start_seen": lived.started,
        "event_count": session.stored_events,
        "ttfb_ms": lived.ttfb_ms,
        "startup_ms": lived.startup_ms,
        "stall_count": lived.stalls,
        "stall_ms": float(lived.stall_ms),
        "seek_stall_ms": float(lived.seek_stall_ms),
        "completion": lived.completion,
        "dropped_frames": lived.dropped_frames,
        "milestones": sorted(lived.milestones),
        "error_count": lived.errors,
        "fatal_error": lived.fatal,
        "skewed": patient.clock.offset_ms != 0,
        "country_code": patient.place.country,
        "region": f"{patient.place.country}-{patient.place.region}",
        "device_type": patient.device.device_type,
        "is_bot": patient.device.is_bot,
        "consent_level": session.level,
        "conflicting_terminals": 0,
    }
    if lived.watched_seconds is not None:
        figures["watched_seconds"] = lived.watched_seconds
    return {
        "patient": patient.user_id,
        "org_id": patient.org_id,
        "is_stored": session.stored_events > 0,
        "stalls": {"rebuffer": lived.stalls, "seek": lived.seek_stalls, "startup": lived.startup_stalls},
        "figures": figures,
    }
