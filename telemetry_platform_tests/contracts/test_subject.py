"""What is remembered of a person is the same whatever order things come in, and never more than they last agreed to."""

from __future__ import annotations

from functools import reduce
from itertools import permutations
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.subject import SubjectState
from telemetry_platform.processing.gate import permission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Change = Callable[[SubjectState], SubjectState]

MOMENTS = st.integers(1, 4)
LEVELS = st.sampled_from([ConsentLevel.ESSENTIAL, ConsentLevel.ANALYTICS, ConsentLevel.FULL])
PURPOSES = st.sampled_from([None, frozenset[str](), frozenset({"pose"})])


def _decided(level: ConsentLevel, purposes: frozenset[str] | None, moment: int) -> Change:
    return lambda state: state.decided(level, purposes, moment)


CHANGES = st.lists(
    st.one_of(
        st.builds(_decided, LEVELS, PURPOSES, MOMENTS),
        st.builds(lambda moment: lambda state: state.signalled(moment), MOMENTS),
        st.builds(lambda moment: lambda state: state.erased(moment), MOMENTS),
    ),
    max_size=4,
)


def _after(changes: Sequence[Change]) -> SubjectState:
    return reduce(lambda state, change: change(state), changes, SubjectState())


@given(CHANGES)
def test_every_order_ends_in_the_same_state(changes: list[Change]) -> None:
    assert len({_after(order) for order in permutations(changes)}) == 1


@given(CHANGES, CHANGES)
def test_what_comes_twice_changes_nothing(changes: list[Change], again: list[Change]) -> None:
    once = _after([*changes, *again])
    assert _after([*changes, *again, *again]) == once


@given(CHANGES, st.integers(0, 3), st.booleans())
def test_nothing_raises_a_level(changes: list[Change], stated: int, gpc: bool) -> None:  # noqa: FBT001 - drawn
    state = _after(changes)
    level = permission(ConsentLevel(stated), gpc=gpc, excluded=False, state=state).level
    assert level <= stated
    assert state.level is None or level <= state.level
    assert not (gpc or state.is_opted_out) or level <= ConsentLevel.ANALYTICS
    assert permission(ConsentLevel(stated), gpc=gpc, excluded=True, state=state).level is ConsentLevel.EXCLUDED


def test_only_full_consent_after_the_signal_lifts_an_opt_out() -> None:
    signalled = SubjectState().signalled(100)
    assert signalled.is_opted_out
    assert signalled.decided(ConsentLevel.FULL, None, 100).is_opted_out
    assert signalled.decided(ConsentLevel.ANALYTICS, None, 200).is_opted_out
    lifted = signalled.decided(ConsentLevel.FULL, None, 200)
    assert not lifted.is_opted_out
    assert lifted.decided(ConsentLevel.ANALYTICS, None, 300).is_opted_out


def test_an_erased_person_has_agreed_to_nothing_until_they_decide_anew() -> None:
    erased = SubjectState().decided(ConsentLevel.FULL, frozenset({"pose"}), 100).signalled(50).erased(200)
    assert (erased.level, erased.purposes, erased.decided_at) == (ConsentLevel.ESSENTIAL, frozenset(), 200)
    assert (erased.erased_at, erased.opted_out_at) == (200, 50)
    back = erased.decided(ConsentLevel.ANALYTICS, None, 300)
    assert (back.level, back.erased_at) == (ConsentLevel.ANALYTICS, 200)


def test_a_marketing_switch_does_not_turn_health_data_on() -> None:
    refused = SubjectState().decided(ConsentLevel.ANALYTICS, frozenset(), 100)
    assert refused.decided(ConsentLevel.FULL, None, 200).purposes == frozenset()
    assert refused.decided(ConsentLevel.FULL, frozenset({"pose"}), 200).purposes == frozenset({"pose"})


def test_a_hold_says_nothing_on_what_a_person_agreed_to() -> None:
    before = SubjectState().decided(ConsentLevel.ANALYTICS, frozenset({"pose"}), 100).signalled(50)
    held = before.held(200)
    assert (held.held_at, held.held(None)) == (200, before)
    assert permission(ConsentLevel.FULL, gpc=False, excluded=False, state=held) == permission(
        ConsentLevel.FULL, gpc=False, excluded=False, state=before
    )
    assert held.erased(300).held_at == 200
