"""Every kind that is told speaks its contract's language, is broken where it says so, and names nobody who lives."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.processing.frame_reading import FrameReader
from telemetry_platform.processing.payload_reading import PayloadReader, Rejection
from telemetry_platform.simulate.core_api import tell_core
from telemetry_platform.simulate.fates import Fate
from telemetry_platform.simulate.run import chosen_kinds, posted_kinds
from telemetry_platform.simulate.story import Story, tell
from telemetry_platform.simulate.tellers.all import BREAKAGES, OF_SERVICES
from telemetry_platform.simulate.wire import body_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.simulate.events import Outgoing

    Sent = list[tuple[Outgoing, dict[str, Any]]]

BEGIN = datetime(2026, 2, 16, 10, 0, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
RESERVED = tuple(map(ip_network, ("198.18.0.0/15", "2001:db8::/32")))


@pytest.fixture(scope="module")
def stories() -> list[Story]:
    """A day of 200 patients, of whom only some are filmed: frames are large."""
    patients = tell(7, patients=200, days=1, begin=BEGIN, kinds=[kind for kind in posted_kinds() if kind != "pose"])
    filmed = tell(7, patients=40, days=1, begin=BEGIN, kinds=["pose"])
    return [*patients, *filmed, *tell_core(7, patients, days=1, begin=BEGIN)]


@pytest.fixture(scope="module")
def sent(stories: list[Story]) -> list[tuple[Outgoing, dict[str, Any]]]:
    """Every event with what stands on the wire."""
    found: list[tuple[Outgoing, dict[str, Any]]] = []
    for story in stories:
        for request in story.requests:
            body = body_of(request, story.sender, END)
            found += zip(request.events, body.get("frames") or body.get("events", [body]), strict=True)
    return found


def _reader(name: str) -> Callable[[dict[str, Any]], tuple[Any, int]]:
    """What the API reads an event of a kind with: its verdict, and how many fields nobody knows."""
    kind = kinds()[name]
    if kind.frames is not None:
        frames = FrameReader(kind, kind.frames)

        def read_frame(sent: dict[str, Any]) -> tuple[Any, int]:
            judged = frames.read([sent])
            return judged.verdicts[0], judged.unknown_fields

        return read_frame
    reader = PayloadReader(kind)

    def read(sent: dict[str, Any]) -> tuple[Any, int]:
        verdict = reader.read(sent)
        return verdict, 0 if isinstance(verdict, Rejection) else verdict.unknown_fields

    return read


def test_an_event_is_what_its_contract_accepts_or_is_refused_by_the_field_that_is_broken(sent: Sent) -> None:
    readers = {name: _reader(name) for name in posted_kinds()}
    broken: set[tuple[str, str]] = set()
    for event, said in sent:
        read, unknown = readers[event.kind](said)
        if event.broken is None:
            assert not isinstance(read, Rejection), (event, read)
            assert unknown == 0
        else:
            assert isinstance(read, Rejection), event
            assert {fault.field for fault in read.faults} == {BREAKAGES[event.kind][event.broken].field}
            broken.add((event.kind, event.broken))
    assert broken == {(kind, name) for kind in posted_kinds() for name in BREAKAGES[kind]}


def test_what_a_row_must_say_are_columns_of_its_table(sent: Sent) -> None:
    columns = {name: {column.name for column in kind.table.carried} for name, kind in kinds().items()}
    for event, _ in sent:
        for kind, row in event.rows.items():
            assert {*row.columns, *row.alike} <= columns[kind]


def test_services_meet_every_mishap_in_every_kind(sent: Sent) -> None:
    fates = Counter((event.kind, event.fate) for event, _ in sent)
    mishaps = {Fate.STORED, Fate.DUPLICATE, Fate.ID_CONFLICT, Fate.TOO_LATE, Fate.REJECTED}
    for kind in set(OF_SERVICES) & set(posted_kinds()):
        assert {fate for other, fate in fates if other == kind} == mishaps


def test_some_metrics_are_equal_in_every_figure_and_are_two_all_the_same(sent: Sent) -> None:
    twins: dict[str, set[str]] = {}
    for event, said in sent:
        if event.kind == "api_metrics" and event.fate == Fate.STORED:
            what = json.dumps({name: value for name, value in said.items() if name != "event_id"}, sort_keys=True)
            twins.setdefault(what, set()).add(said["event_id"])
    assert sum(len(ids) == 2 for ids in twins.values()) > 10


def test_nobody_who_lives_is_named(sent: Sent) -> None:
    text = json.dumps([said for event, said in sent if event.broken is None and event.kind != "pose"])
    assert set(re.findall(r"[\w.-]+@([\w.-]+)", text)) == {"example.org"}
    people = {said[name] for _, said in sent for name in ("actor_id", "staff_user_id") if name in said}
    assert all(str(person).startswith(("sim-patient-", "sim-staff-")) for person in people)
    addresses = {said["client_address"] for _, said in sent if "client_address" in said}
    assert addresses
    for address in map(ip_address, addresses):
        assert any(address in network for network in RESERVED if network.version == address.version)


def test_volumes_stand_to_each_other_as_the_source_has_them(sent: Sent) -> None:
    """Of a day: 5,000 sessions, 10,000 analytics events, 1,000 errors, 50,000 requests of the API, 2,000 figures."""
    first = {Fate.STORED, Fate.DROPPED}
    counts = Counter(event.kind for event, _ in sent if event.fate in first)
    views = len({event.session_id for event, _ in sent if event.kind == "media"})
    assert 1.5 < counts["analytics"] / views < 4
    assert 0.1 < counts["errors"] / views < 0.4
    assert 8 < counts["api_metrics"] / views < 12
    assert 0.2 < counts["staff_metrics"] / views < 0.8


def test_a_kind_that_is_not_told_is_named(sent: Sent) -> None:
    assert {event.kind for event, _ in sent} >= set(posted_kinds())
    assert chosen_kinds(["errors", "media"]) == ("media", "errors")
    assert chosen_kinds([]) == posted_kinds()
    with pytest.raises(ConfigurationError, match="weather: not simulated"):
        chosen_kinds(["weather", "media"])
