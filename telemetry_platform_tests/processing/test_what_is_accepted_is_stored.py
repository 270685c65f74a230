"""What the API answers with 202 becomes rows: a valid payload never ends among the dead letters.

The way is that of an event from its JSON to the columns of its table, without the queue between: what the payload's
types let through, and what treatments make of it, must satisfy every rule for tables at rest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.landing import VERSION, RawEntries
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.agent import NO_HINTS
from telemetry_platform.processing.batches import decode
from telemetry_platform.processing.clock import occurred_at
from telemetry_platform.processing.fan_out import ACCESS_EVENT, ERROR_EVENT, error_report
from telemetry_platform.processing.gate import Permission
from telemetry_platform.processing.json_reading import may_need_repair, read_json, repaired
from telemetry_platform.processing.paths import PathReducer
from telemetry_platform.processing.payload_reading import Payload, PayloadReader
from telemetry_platform.processing.pseudonyms import KeyEpoch, KeyRing
from telemetry_platform.processing.rows import RowBuilder
from telemetry_platform.usecases.accept_events import milliseconds, storable
from telemetry_platform.usecases.event_origin import complete, origin_of
from telemetry_platform.usecases.request_entries import Draft, Origin, RequestEntries, Submission
from telemetry_platform_tests.processing.payload_making import payloads
from telemetry_platform_tests.usecases.landing import an_id

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.stores.landing_producer import EntryGroup

RECEIVED_AT = 1_771_322_400_000
RING = KeyRing([KeyEpoch(domain, 1, 0, None, bytes([number + 1]) * 32) for number, domain in enumerate(Domain)])
REDUCED = PathReducer(["home", "patients", "plans"])
# Frames come in packs, which are read in a way of their own.
POSTED = [name for name, kind in sorted(kinds().items()) if kind.payload and kind.frames is None]


def submission(kind: EventKind) -> Submission:
    """A request by somebody who has agreed to everything."""
    origin = Origin("clinic-1", "u-42", "203.0.113.0", "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", NO_HINTS)
    purposes = frozenset() if kind.purpose is None else frozenset({kind.purpose})
    permission = Permission(ConsentLevel.FULL, ConsentLevel.FULL, purposes=purposes)
    return Submission(origin, "patient", permission, "POST", "/v1/events", RECEIVED_AT, "")


def entries_of(kind: EventKind, event: dict[str, Any]) -> list[EntryGroup]:
    """The entries that an event becomes; none when it is too late."""
    body = json.dumps(event).encode()
    value = read_json(body)
    if may_need_repair(body):
        value, _ = repaired(value)
    read = PayloadReader(kind).read(value)
    assert isinstance(read, Payload), read
    values = read.model.__dict__
    client_at, sent_at = milliseconds(values["timestamp"]), values["sent_at"]
    moment = occurred_at(client_at, None if sent_at is None else milliseconds(sent_at), RECEIVED_AT)
    if moment.too_late:
        return []
    request = RequestEntries(submission(kind), RING, 1)
    columns = frozenset(column.name for column in kind.table.columns)
    origin, address = origin_of(kind, values, request.submission)
    row = RowBuilder(kind.payload, REDUCED).row(read.model, request.pseudonym)
    session = values.get(kind.session_field or "")
    if origin.actor_id is None and session is not None:
        session = row[kind.session_field or ""] = None
    row["occurred_at"] = moment.at
    if "client_at" in columns:
        row |= {"client_at": storable(client_at), "skewed": moment.skewed}
    complete(kind, row, values, request, address)
    said = values.get(kind.discriminator or "", "")
    event_id, session_id = str(values["event_id"] or an_id("event")), None if session is None else str(session)
    draft = Draft(0, said, event_id, session_id, False, row, values.get("media_id"), origin)
    pin = request.own_pin(origin, kind.actor_domain)
    request.add(kind.name, draft, row, pin)
    if kind.name == "media" and said == ERROR_EVENT:
        request.add("errors", draft, error_report(row), pin)
    if kind.name == "media" and said == ACCESS_EVENT:
        request.add_access(draft)
    return request.groups()


def raw(group: EntryGroup) -> RawEntries:
    """A group of one entry as the drain reads it from its stream."""
    ((event_id, body),) = group.events
    fields = {"v": VERSION, "event_id": event_id, "producer": "", "producer_seq": 0}
    of_group = ("kind", "received_at", "org_id", "actor_hash", "key_epoch", "consent_level", "trace_id")
    fields |= {name: getattr(group, name) for name in of_group}
    return RawEntries([b"1-0"], {name: [str(value).encode()] for name, value in fields.items()} | {"body": [body]})


@pytest.mark.parametrize("name", POSTED)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_what_is_accepted_is_stored(name: str, data: st.DataObject) -> None:
    kind = kinds()[name]
    for group in entries_of(kind, data.draw(payloads(kind.payload), label="event")):
        decoded = decode(kinds()[group.kind], raw(group), {1: None}, {1})
        assert decoded.dead == ()
        assert decoded.rows.num_rows == 1
