"""Whatever order things happen in: nothing from before an erasure is left, and everything from after it is stored.

The rules are the real ones (decoding, the drain's look at tombstones, the API's and the replay's); queue, tables and
the sweep are lists, so that hypothesis can try many orders.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.batches import decode
from telemetry_platform.processing.erased import body_moment, is_before, without_erased
from telemetry_platform_tests.processing.test_batches import raw
from telemetry_platform_tests.usecases.landing import ACTOR, an_id, entry, media_body, milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from telemetry_platform.contracts.landing import LandingEntry

KIND = kinds()["media"]
START = milliseconds(datetime(2026, 2, 17, 10, tzinfo=UTC))
SESSIONS = 1


@dataclass
class Platform:
    """One person's telemetry; the clock goes on by a second with everything that happens."""

    now: int = START
    erased_at: int | None = None
    began: dict[str, int] = field(default_factory=dict)
    sent: list[LandingEntry] = field(default_factory=list)
    queue: list[LandingEntry] = field(default_factory=list)
    stored: dict[str, LandingEntry] = field(default_factory=dict)
    letters: list[LandingEntry] = field(default_factory=list)
    wanted: set[str] = field(default_factory=set)

    def send(self, session: int, ago: int, *, is_whole: bool, is_informed: bool) -> None:
        """An API process takes an event, or not; one that is not informed has not heard of the erasure yet."""
        occurred = self.now - 1000 * ago
        body = media_body(an_id("session", session), "heartbeat", _moment(occurred), position_seconds=1.0)
        content = orjson.dumps(body)
        made = entry(
            "media", content if is_whole else content[:-1] + b',"event":7}', _moment(self.now), an_id(self.now)
        )
        self.sent.append(made)
        self._take(made, is_informed=is_informed)

    def send_again(self, which: int) -> None:
        """A client did not see its answer."""
        if self.sent:
            self._take(
                replace(self.sent[which % len(self.sent)], received_at=self.now),
                is_informed=True,
            )

    def _take(self, made: LandingEntry, *, is_informed: bool) -> None:
        moments = (body_moment(made.body), made.received_at)
        session = _session(made)
        known = self.erased_at if is_informed else None
        if known is not None and is_before(known, *moments):
            return
        began = self.began.setdefault(session, self.now)
        if known is not None and is_before(known, began):
            return
        self.queue.append(made)
        if self._is_clean(made):
            self.wanted.add(made.event_id)

    def _is_clean(self, made: LandingEntry) -> bool:
        if self.erased_at is None:
            return True
        return not is_before(self.erased_at, body_moment(made.body), made.received_at, self.began[_session(made)])

    def drain(self) -> None:
        """One batch of all that waits."""
        batch, self.queue = self.queue, []
        if not batch:
            return
        rows = raw(*batch)
        tombstones = {} if self.erased_at is None else {("clinic-1", ACTOR): self.erased_at}

        def beginnings(sessions: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
            return {session: self.began[session[1]] for session in sessions}

        found = without_erased(KIND, rows, decode(KIND, rows, {1: None}), tombstones, beginnings)
        for place in found.positions.to_pylist():
            self.stored.setdefault(batch[place].event_id, batch[place])
        self.letters += [batch[dead.position] for dead in found.dead]
        assert found.rows.num_rows + found.dead_events + found.erased == len(batch)
        for dead in found.dead if self.erased_at is not None else ():
            letter = batch[dead.position]
            assert not is_before(self.erased_at or 0, body_moment(letter.body), letter.received_at)

    def erase(self) -> None:
        """The tombstone; what was queued before it is drained; the sweep."""
        self.erased_at = self.now
        self.drain()
        self.stored = {name: row for name, row in self.stored.items() if self._is_clean(row)}
        self.letters = [row for row in self.letters if self._is_clean(row)]
        self.wanted = {name for name in self.wanted if name in self.stored}

    def replay(self) -> None:
        """Every letter, mended; those from before are emptied instead."""
        letters, self.letters = self.letters, []
        for letter in letters:
            if self.erased_at is not None and is_before(self.erased_at, letter.received_at, body_moment(letter.body)):
                continue
            self.queue.append(replace(letter, body=letter.body.replace(b',"event":7', b"")))


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def _session(made: LandingEntry) -> str:
    return str(orjson.loads(made.body)["session_id"])


STEPS = st.one_of(
    st.tuples(st.just("send"), st.integers(0, SESSIONS), st.sampled_from([0, 0, 1, 3]), st.booleans(), st.booleans()),
    st.tuples(st.just("again"), st.integers(0, 9)),
    st.tuples(st.just("drain")),
    st.tuples(st.just("erase")),
    st.tuples(st.just("replay")),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, min_size=6, max_size=14))
def test_nothing_from_before_is_left_and_everything_from_after_is_stored(steps: list[tuple[object, ...]]) -> None:
    found = Platform()
    for step in steps:
        found.now += 1000
        match step:
            case ("send", int(session), int(ago), bool(whole), bool(informed)):
                found.send(session, ago, is_whole=whole, is_informed=informed)
            case ("again", int(which)):
                found.send_again(which)
            case ("drain",):
                found.drain()
            case ("erase",):
                found.erase()
            case ("replay",):
                found.replay()
    found.drain()
    found.replay()
    found.drain()
    if found.erased_at is not None:
        for row in found.stored.values():
            assert not is_before(found.erased_at, body_moment(row.body), row.received_at, found.began[_session(row)])
    assert found.letters == []
    assert found.wanted <= set(found.stored)
