"""Rows that must be there against rows that are: nothing that is missing, wrong or mixed up goes unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.event_kind import Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.retention import Retention
from telemetry_platform.usecases.reconcile.comparing import Alike, agree, by_key, row_lines, see_all
from telemetry_platform.usecases.reconcile.expected import ExpectedRow, Line, Reconciliation

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE = Table(
    name="t",
    store=Store.CLICKHOUSE,
    description="of this test",
    columns=(c.OCCURRED_AT, c.CLIENT_AT, Column("x", "Decimal(9, 4)", "rests with four digits")),
    owner=Owner.DATA,
    retention=Retention(1, "year", "occurred_at", "of this test"),
    erasure=ExpiresOnly("of this test"),
    legal_basis=LegalBasis.CONSENT,
)
EXPECTED = {
    ("clinic", "1"): ExpectedRow({"route": "/home", "value": 1.5}, {"actor_hash": "actor:ana"}),
    ("clinic", "2"): ExpectedRow({"route": "/home", "value": 2.5}, {"actor_hash": "actor:ana"}),
    ("lake", "1"): ExpectedRow({"route": None}, {"actor_hash": "actor:bob"}),
}


def _row(org_id: str, event_id: str, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - columns
    return {"org_id": org_id, "event_id": event_id, "route": "/home", "value": 0.0, **said}


FOUND = (
    _row("clinic", "1", value=1.5, actor_hash="a1"),
    _row("clinic", "2", value=2.5, actor_hash="a1"),
    _row("lake", "1", route=None, actor_hash="b1"),
)


def _differences(found: Sequence[dict[str, Any]]) -> list[tuple[str, int, int]]:
    alike, rows = Alike(), by_key(found)
    see_all(alike, EXPECTED, rows)
    result = Reconciliation(tuple(row_lines("kind", TABLE, EXPECTED, rows, alike)))
    return [(line.name, line.expected, line.found) for line in result.differences]


def test_everything_there_adds_up() -> None:
    assert _differences(FOUND) == []


def test_a_missing_row_is_wrong_in_every_column() -> None:
    assert sorted(_differences(FOUND[1:])) == [
        ("t.actor_hash", 3, 2),
        ("t.route", 3, 2),
        ("t.value", 2, 1),
        ("t: the events that were sent", 3, 2),
    ]


def test_the_same_id_in_another_tenant_is_another_event() -> None:
    moved = {**FOUND[0], "org_id": "coast"}
    assert ("t: the events that were sent", 3, 2) in _differences((moved, *FOUND[1:]))


def test_a_wrong_value_is_counted_in_its_column_alone() -> None:
    assert _differences((*FOUND[:2], {**FOUND[2], "route": "/home"})) == [("t.route", 3, 2)]


def test_a_person_with_two_pseudonyms_is_right_in_no_row() -> None:
    assert _differences((FOUND[0], {**FOUND[1], "actor_hash": "a2"}, FOUND[2])) == [("t.actor_hash", 3, 1)]


def test_two_persons_under_one_pseudonym_are_both_wrong() -> None:
    assert _differences((*FOUND[:2], {**FOUND[2], "actor_hash": "a1"})) == [("t.actor_hash", 3, 0)]


def test_no_pseudonym_is_nobodys() -> None:
    assert _differences((*FOUND[:2], {**FOUND[2], "actor_hash": ""})) == [("t.actor_hash", 3, 2)]


def test_a_pseudonym_is_one_in_all_tables() -> None:
    alike = Alike()
    alike.see("actor:ana", "a1")
    alike.see("actor:ana", "a9")
    alike.see("media:knee", "a1")
    assert not alike.is_right("actor:ana", "a1")
    assert alike.value_of("actor:ana") is None
    assert alike.is_right("media:knee", "a1")
    assert alike.value_of("media:knee") == "a1"
    assert alike.value_of("actor:nobody") is None


def test_counts_agree_exactly_figures_within_what_is_stored_and_corrected_times_within_seconds() -> None:
    assert agree(1.5, 1.5004)
    assert not agree(1.5, 1.52)
    assert not agree(504, 503)
    assert not agree(True, None)
    assert not agree({"a": 1}, {"a": 2})
    rows = {("clinic", "1"): ExpectedRow({"x": 0.12345, "occurred_at": 1_000_000, "client_at": 1_000_000}, {})}

    def wrong(**said: float) -> list[str]:
        found = by_key([_row("clinic", "1", **{"x": 0.1235, "occurred_at": 1_004_000, "client_at": 1_000_000, **said})])
        lines = row_lines("kind", TABLE, rows, found, Alike())
        return [line.name for line in lines if not line.adds_up]

    assert wrong() == []
    assert wrong(x=0.1236) == ["t.x"]
    assert wrong(occurred_at=1_020_000) == ["t.occurred_at"]
    assert wrong(client_at=1_000_001) == ["t.client_at"]


def test_a_line_adds_up_when_both_sides_agree() -> None:
    assert Line("part", "name", 3, 3).adds_up
    assert not Line("part", "name", 3, 4).adds_up
