"""Planning of key epochs under every clock and pause: no hole, no overlap, none in the past, no key that goes early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.contracts.key_lives import LIVES, epoch_columns
from telemetry_platform.contracts.pii import ROTATING_DOMAINS, Domain
from telemetry_platform.contracts.registry import tables
from telemetry_platform.processing.key_destruction import due
from telemetry_platform.processing.key_health import faults
from telemetry_platform.processing.key_rotation import OLDEST_LIST, EpochSpan, lead, plan
from telemetry_platform.processing.pseudonyms import KeyEpoch, KeyRing

START = datetime(2026, 2, 17, 10, 30, tzinfo=UTC)
LEAD = lead(600)
DAY = timedelta(days=1)

pauses = st.lists(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=400)), min_size=1, max_size=25)


def first(moment: datetime = START) -> list[EpochSpan]:
    return [EpochSpan(domain, 1, moment, None) for domain in Domain]


def rotated(spans: list[EpochSpan], now: datetime, early: frozenset[Domain] = frozenset()) -> list[EpochSpan]:
    """The spans as the database has them after a rotation."""
    for new in plan(spans, now, LEAD, early):
        spans = [
            EpochSpan(old.domain, old.epoch, old.active_from, new.active_from)
            if (old.domain, old.epoch) == (new.domain, new.epoch - 1)
            else old
            for old in spans
        ]
        spans.append(EpochSpan(new.domain, new.epoch, new.active_from, None))
    return spans


def active(spans: list[EpochSpan], domain: Domain, moment: datetime) -> int:
    def milliseconds(of: datetime) -> int:
        return round(of.timestamp() * 1000)

    ring = KeyRing(
        KeyEpoch(
            span.domain,
            span.epoch,
            milliseconds(span.active_from),
            None if span.active_until is None else milliseconds(span.active_until),
            b"k" * 32,
        )
        for span in spans
    )
    return ring.epoch_at(domain, milliseconds(moment))


@given(pauses, st.sets(st.sampled_from(sorted(LIVES))))
def test_after_any_pauses_every_moment_has_one_epoch_and_each_was_known_before_it_began(
    waits: list[timedelta], early: set[Domain]
) -> None:
    spans, now = first(), START
    for wait in waits:
        now += wait
        before = {(span.domain, span.epoch) for span in spans}
        spans = rotated(spans, now, frozenset(early))
        for span in spans:
            if (span.domain, span.epoch) not in before:
                assert span.active_from >= now + OLDEST_LIST
        assert rotated(spans, now, frozenset(early)) == spans
    for domain in Domain:
        of = sorted((span for span in spans if span.domain is domain), key=lambda span: span.epoch)
        assert [span.epoch for span in of] == list(range(1, len(of) + 1))
        assert all(old.active_until == new.active_from for old, new in pairwise(of))
        assert of[-1].active_until is None
        if domain not in ROTATING_DOMAINS:
            assert len(of) == 1
        for span in of[1:]:
            edge = timedelta(milliseconds=1)
            assert active(spans, domain, span.active_from - edge) == span.epoch - 1
            assert active(spans, domain, span.active_from) == span.epoch


@given(st.integers(min_value=1, max_value=900))
def test_a_daily_job_lets_nobody_be_followed_for_longer_than_promised(days: int) -> None:
    spans, now = first(), START
    for _ in range(days):
        now += DAY
        spans = rotated(spans, now)
        assert not faults(spans, now)
    for span in spans:
        if span.active_until is not None:
            assert span.active_until == LIVES[span.domain].end(span.active_from)
    actors = [span for span in spans if span.domain is Domain.ACTOR]
    assert len(actors) == 1 + (days + 3) // 30


def test_a_year_is_a_calendar_year() -> None:
    end = LIVES[Domain.AUDIT_ACTOR].end
    assert end(datetime(2027, 3, 1, tzinfo=UTC)) == datetime(2028, 3, 1, tzinfo=UTC)
    assert end(datetime(2028, 2, 29, 5, tzinfo=UTC)) == datetime(2029, 3, 1, 5, tzinfo=UTC)


def test_a_domain_that_waits_for_its_next_epoch_gets_no_other_one() -> None:
    spans = rotated(first(), START + DAY, frozenset({Domain.ACTOR}))
    assert plan(spans, START + DAY, LEAD, {Domain.ACTOR}) == ()


@pytest.mark.parametrize(
    ("days", "said", "stops"),
    [(27.9, "", False), (28.1, "ends on", False), (30.1, "should have ended", True)],
)
def test_a_rotation_that_is_missed_is_said_before_and_after(days: float, said: str, *, stops: bool) -> None:
    found = [fault for fault in faults(first(), START + days * DAY) if fault.domain is Domain.ACTOR]
    assert [(said in fault.what, fault.stops) for fault in found] == ([(True, stops)] if said else [])


def test_a_domain_without_a_key_or_with_two_is_said() -> None:
    spans = [span for span in first() if span.domain is not Domain.MEDIA]
    spans.append(EpochSpan(Domain.SUBJECT, 2, START, None))
    assert {(fault.domain, fault.stops) for fault in faults(spans, START + DAY)} == {
        (Domain.MEDIA, True),
        (Domain.SUBJECT, True),
    }


@given(pauses, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)), st.booleans())
def test_no_key_goes_that_is_in_use_or_could_be_met_by_a_late_event(
    waits: list[timedelta],
    later: timedelta,
    has_rows: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    spans, now = first(), START
    for wait in waits:
        now += wait
        spans = rotated(spans, now)
    now += later
    rows = {(span.domain, span.epoch): 1 for span in spans} if has_rows else {}
    found = due(spans, now, rows)
    ends = {(span.domain, span.epoch): span.active_until for span in spans}
    for epoch in found:
        end = ends[epoch.domain, epoch.epoch]
        assert end is not None
        assert end + timedelta(days=9) < now
        assert epoch.may_go == (not has_rows or epoch.domain is Domain.ADDRESS)
    gone = {epoch.domain for epoch in found}
    assert not gone & (set(Domain) - ROTATING_DOMAINS)
    # Addresses die by the calendar, whatever rows there are.
    assert {key for key, end in ends.items() if key[0] is Domain.ADDRESS and end and end + 90 * DAY < now} == {
        (epoch.domain, epoch.epoch) for epoch in found if epoch.domain is Domain.ADDRESS
    }


def test_every_table_with_a_rotating_pseudonym_says_its_epoch() -> None:
    assert set(LIVES) == ROTATING_DOMAINS
    for table in tables().values():
        names = {column.name for column in table.columns}
        assert {column for column, _ in epoch_columns(table)} <= names, table.name
    assert ("address_key_epoch", Domain.ADDRESS) in epoch_columns(tables()["security.security_events"])
    assert epoch_columns(tables()["audit.audit_logs"]) == (("key_epoch", Domain.AUDIT_ACTOR),)
