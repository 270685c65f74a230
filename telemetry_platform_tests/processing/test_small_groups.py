"""What an analyst is shown, and what is left when it is taken from the total, is never a small group."""

from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.processing.small_groups import (
    FEWEST_ACTORS,
    Group,
    disclose,
    has_enough_actors,
    largest_epoch_count,
    round_down,
)
from telemetry_platform.processing.statistics import values_that_show


def mark(epoch: int, actor: int) -> int:
    return (epoch << 48) + actor


def group(key: str, n: int, *actors: int, epoch: int = 1) -> Group:
    return Group(key, n, frozenset(mark(epoch, actor) for actor in actors))


MARKS = st.frozensets(st.builds(mark, st.integers(1, 3), st.integers(0, 11)), min_size=1, max_size=14)
GROUPS = st.lists(
    st.builds(Group, st.text("abcdefgh", min_size=1, max_size=2), st.integers(1, 50), MARKS),
    unique_by=lambda one: one.key,
    max_size=7,
)


@given(GROUPS)
def test_neither_a_shown_group_nor_the_remainder_is_small(groups: list[Group]) -> None:
    answer = disclose(groups)
    hidden = [one for one in groups if one not in answer.shown]
    assert all(has_enough_actors(one.marks) for one in answer.shown)
    assert answer.withheld == len(hidden)
    if hidden and answer.shown:
        assert has_enough_actors(frozenset().union(*(one.marks for one in hidden)))


@given(GROUPS)
def test_at_most_one_large_group_is_withheld_and_order_is_kept(groups: list[Group]) -> None:
    answer = disclose(groups)
    assert sum(has_enough_actors(one.marks) for one in groups) - len(answer.shown) in (0, 1)
    assert list(answer.shown) == [one for one in groups if one in answer.shown]
    assert {one.key for one in disclose(groups[::-1]).shown} == {one.key for one in answer.shown}


@given(MARKS, MARKS)
def test_five_marks_an_epoch_answer_for_any_union(first: frozenset[int], second: frozenset[int]) -> None:
    def kept(marks: frozenset[int]) -> frozenset[int]:
        epochs = {one >> 48 for one in marks}
        return frozenset(
            one for epoch in epochs for one in sorted(m for m in marks if m >> 48 == epoch)[:FEWEST_ACTORS]
        )

    assert has_enough_actors(kept(first) | kept(second)) == has_enough_actors(first | second)


def test_one_small_group_takes_the_smallest_large_one_with_it() -> None:
    ro, md = group("RO", 90, 1, 2, 3, 4, 5), group("MD", 40, 6, 7, 8, 9, 10)
    assert disclose([ro, md, group("DE", 2, 11)]).shown == (ro,)


def test_small_groups_that_are_many_together_take_none_with_them() -> None:
    ro = group("RO", 90, 1, 2, 3, 4, 5)
    answer = disclose([ro, group("DE", 4, 11, 12, 13), group("FR", 4, 14, 15, 16)])
    assert (answer.shown, answer.withheld) == ((ro,), 2)


def test_one_person_in_two_small_groups_is_counted_once() -> None:
    answer = disclose([group("RO", 90, 1, 2, 3, 4, 5), group("DE", 4, 11, 12, 13), group("FR", 4, 11, 12, 13)])
    assert (answer.shown, answer.withheld) == ((), 3)


def test_actors_of_different_epochs_are_never_added_up() -> None:
    assert largest_epoch_count({mark(epoch, 1) for epoch in range(1, 9)}) == 1
    assert largest_epoch_count(frozenset()) == 0


def test_counts_go_down_to_fives() -> None:
    assert [round_down(count) for count in (0, 4, 5, 9, 10)] == [0, 0, 5, 5, 10]


def test_media_are_one_list_whichever_is_asked_for() -> None:
    """One person's medium: asked one after another, the large ones taken from the total would tell of it."""
    rows = [
        {"value": "RO", "media_id": "large", "n": 40, "marks": [1, 2, 3, 4, 5, 6]},
        {"value": "RO", "media_id": "less", "n": 20, "marks": [1, 2, 3, 4, 5]},
        {"value": "RO", "media_id": "one", "n": 1, "marks": [9]},
        {"value": "DE", "media_id": "less", "n": 9, "marks": [1, 2, 3, 4, 5]},
    ]
    assert [values_that_show(rows, each) for each in ("large", "less", "one")] == [{"RO"}, {"DE"}, frozenset()]
