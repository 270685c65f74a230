"""The walk along a chain, without a database: every single change of it is found where it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.contracts.audit_chain import BEGINNING, GENESIS, ROW_FORM, Anchor, Checkpoint, Position
from telemetry_platform.processing.audit_chain import checkpoint_digest, row_form, row_hash
from telemetry_platform.processing.chain_walk import ChainRow, walk
from telemetry_platform.processing.checkpoints import (
    CheckpointError,
    Follows,
    is_signed_anchor,
    read_checkpoint,
    signed,
    signed_anchor,
    verified,
    write_checkpoint,
)
from telemetry_platform.processing.signing import Signer, read_public_key, read_signer

NOW = datetime(2026, 2, 17, 10, tzinfo=UTC)
SIGNER = read_signer("A" * 43 + "=", "the test's key")
_TEXT = st.one_of(st.none(), st.text(max_size=8))
_SOME = st.fixed_dictionaries(dict.fromkeys(("actor_hash", "org_id", "action", "path", "region"), _TEXT))
KEYS = {SIGNER.key_id: SIGNER.public_key}


def chain_of(length: int) -> list[ChainRow]:
    rows: list[ChainRow] = []
    before = GENESIS
    for seq in range(1, length + 1):
        form = f"row {seq}".encode()
        rows.append(ChainRow(seq, form, before, row_hash(before, form)))
        before = rows[-1].row_hash
    return rows


def seen(rows: list[ChainRow], *places: int, signer: Signer = SIGNER) -> list[Checkpoint]:
    """Checkpoints that saw the trail end at these places."""
    made: list[Checkpoint] = []
    for number, seq in enumerate(places, 1):
        previous = checkpoint_digest(made[-1]) if made else GENESIS
        head_hash = rows[seq - 1].row_hash if seq else GENESIS
        made.append(
            signed(Checkpoint(number, previous, seq, head_hash, seq, NOW + timedelta(minutes=number), ""), signer)
        )
    return made


def end_of(rows: list[ChainRow]) -> Position:
    return Position(rows[-1].seq, rows[-1].row_hash) if rows else BEGINNING


def test_a_whole_chain_is_walked_to_its_end() -> None:
    rows = chain_of(20)
    walked = walk(rows, {}, seen(rows, 0, 5, 5, 20), head=end_of(rows))
    assert (walked.fault, walked.end, walked.rows, walked.checkpoints) == (None, end_of(rows), 20, 4)


@given(
    length=st.integers(2, 12),
    data=st.data(),
    change=st.sampled_from(["form", "prev_hash", "row_hash", "remove", "double", "swap"]),
)
def test_every_change_is_found_at_its_place(length: int, data: st.DataObject, change: str) -> None:
    rows = chain_of(length)
    checkpoints = seen(rows, length)
    place = data.draw(st.integers(0, length - (2 if change == "swap" else 1)))
    row = rows[place]
    bad = row.seq
    if change == "form":
        rows[place] = row._replace(form=row.form + b"!")
    elif change == "prev_hash":
        rows[place] = row._replace(prev_hash="f" * 64)
    elif change == "row_hash":
        rows[place] = row._replace(row_hash="f" * 64)
    elif change == "remove":
        del rows[place]
    elif change == "double":
        rows.insert(place, row)
        bad = row.seq
    else:
        rows[place], rows[place + 1] = rows[place + 1], rows[place]
        bad = row.seq + 1
    found = walk(rows, {}, checkpoints, head=Position(length, chain_of(length)[-1].row_hash)).fault
    assert found is not None
    assert found.seq == bad


@given(length=st.integers(2, 15), data=st.data())
def test_rows_made_anew_are_found_behind_the_last_checkpoint_that_still_holds(length: int, data: st.DataObject) -> None:
    old = chain_of(length)
    first = data.draw(st.integers(1, length))
    places = sorted(data.draw(st.lists(st.integers(1, length), min_size=1, max_size=4)))
    rows, before = [], GENESIS
    for row in old:
        form = row.form + (b"!" if row.seq >= first else b"")
        rows.append(ChainRow(row.seq, form, before, row_hash(before, form)))
        before = rows[-1].row_hash
    found = walk(rows, {}, seen(old, *places), head=end_of(rows)).fault
    holding = [place for place in places if place < first]
    if max(places) < first:
        assert found is None, "nobody has seen those rows"
    else:
        assert found is not None
        assert found.seq == max(holding, default=0) + 1


def anchor(rows: list[ChainRow], first: int, last: int, name: str = "audit_logs_2026_01") -> Anchor:
    return signed_anchor(
        Anchor(
            name,
            NOW,
            NOW,
            first,
            last,
            last - first + 1,
            rows[first - 1].prev_hash,
            rows[last - 1].row_hash,
            NOW,
            "",
        ),
        SIGNER,
    )


def test_dropped_partitions_are_walked_over_and_checkpoints_within_them_cannot_be_looked_at() -> None:
    rows = chain_of(30)
    anchors = {1: anchor(rows, 1, 10), 11: anchor(rows, 11, 20)}
    checkpoints = seen(rows, 5, 10, 15, 25)
    walked = walk(rows[20:], anchors, checkpoints, head=end_of(rows))
    assert (walked.fault, walked.anchors, walked.rows, walked.checkpoints) == (None, 2, 10, 4)
    # All rows are dropped but the trail goes on.
    assert walk([], anchors, seen(rows, 20), head=Position(20, rows[19].row_hash)).fault is None
    # An anchor that was stored before its partition was dropped.
    assert walk(rows[10:], {**anchors}, checkpoints, head=end_of(rows)).fault is None


@pytest.mark.parametrize(
    ("left", "first_bad"),
    [(slice(15, 30), 11), (slice(0, 5), 6)],
    ids=["more is gone than the anchor says", "a part of the partition is gone"],
)
def test_an_anchor_excuses_a_whole_partition_and_nothing_else(left: slice, first_bad: int) -> None:
    rows = chain_of(30)
    found = walk(rows[left], {1: anchor(rows, 1, 10)}, seen(rows, 30), head=end_of(rows)).fault
    assert found is not None
    assert found.seq == first_bad


def test_an_anchor_of_another_chain_is_found() -> None:
    rows = chain_of(10)
    other = replace(anchor(rows, 1, 5), prev_hash="f" * 64)
    found = walk(rows[5:], {1: other}, (), head=end_of(rows)).fault
    assert found is not None
    assert found.seq == 1
    assert not is_signed_anchor(other, KEYS)
    assert is_signed_anchor(anchor(rows, 1, 5), KEYS)


def test_checkpoints_are_believed_one_by_one() -> None:
    rows = chain_of(10)
    made = seen(rows, 1, 4, 9)
    lines = [write_checkpoint(one) for one in made]
    assert [read_checkpoint(line) for line in lines] == made
    assert list(verified(made, KEYS, Follows())) == made
    for wrong, reason in (
        ([made[0], made[2]], "checkpoint 2 is missing"),
        (made[1:], "checkpoint 1 is missing"),
        ([made[0], replace(made[1], seq=3)], "checkpoint 2 is not what was signed"),
        ([made[0], *seen(rows, 2, 5, signer=read_signer("B" * 43 + "=", "another"))[1:]], "does not follow"),
        ([seen(rows, 1, signer=read_signer("B" * 43 + "=", "another"))[0]], "unknown key"),
        (seen(rows, 4, 1), "goes back"),
    ):
        with pytest.raises(CheckpointError, match=reason):
            list(verified(wrong, KEYS, Follows()))
    with pytest.raises(CheckpointError, match="is none"):
        read_checkpoint(b'{"number": 1}')


@given(_SOME, _SOME)
def test_no_two_rows_have_one_form(one: dict[str, str | None], other: dict[str, str | None]) -> None:
    base = dict.fromkeys(name for name, _ in ROW_FORM)
    assert (row_form({**base, **one}) == row_form({**base, **other})) == (one == other)


def test_a_public_key_is_what_others_read() -> None:
    key = read_public_key(SIGNER.public_key.pem, "the file")
    assert key == SIGNER.public_key
    assert key.has_signed(b"message", SIGNER.sign(b"message"))
    assert not key.has_signed(b"massage", SIGNER.sign(b"message"))
    assert "A" * 43 not in repr(SIGNER)
