"""Copies of held persons' rows on the real engine: made once, compared whole, and out of the reach of merges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from telemetry_platform.contracts.held_copies import COPIED_AT, HOLD_ID, copied, copies, name_of
from telemetry_platform.contracts.registry import tables
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores import held_copies
from telemetry_platform.stores.holds import InForce
from telemetry_platform.stores.warehouse import Warehouse, open_warehouse
from telemetry_platform_tests.contracts.sql_differences import plain_ttl
from telemetry_platform_tests.usecases.erased_person import ORG
from telemetry_platform_tests.usecases.holding import a_pseudonym, add_rows, count, engines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.event_kind import Table
    from telemetry_platform.settings import Settings

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO, LATELY = NOW - timedelta(days=1_500), NOW - timedelta(days=2)
CUT_OFF = NOW - timedelta(days=800)


@pytest.fixture(scope="module")
def warehouse(module_platform: Settings) -> Iterator[Warehouse]:
    """The tables of the schema, without TTL: rows of any age can be put into them, as long as anybody is held."""
    with open_warehouse(module_platform.clickhouse, log_comment="tests") as opened:
        for table in copied().values():
            held_copies.remove_ttl(opened, table)
        yield opened


def _held(*actors: str) -> InForce:
    return InForce(uuid4(), ORG, actors)


def _ages(warehouse: Warehouse, table: str, hold: InForce) -> set[int]:
    rows = warehouse.client.query(
        "SELECT dateDiff('day', occurred_at, {now:DateTime64(3)}) FROM {held:Identifier} WHERE hold_id = {hold:UUID}",
        {"held": f"held_{table}", "hold": str(hold.hold_id), "now": NOW},
    )
    return {int(age) for (age,) in rows}


@pytest.mark.parametrize("name", copied())
def test_every_table_with_persons_has_one_for_their_copies(warehouse: Warehouse, name: str) -> None:
    def columns(of: str) -> list[Any]:
        return list(
            warehouse.client.query(
                "SELECT name, type, compression_codec FROM system.columns WHERE database = currentDatabase() "
                "AND table = {table:String} ORDER BY position",
                {"table": of},
            )
        )

    ((full,),) = warehouse.rows("select_engine", {"table": name})
    assert [row[0] for row in columns(name)] == [column.name for column in copies()[name].columns]
    assert columns(name)[:-2] == columns(copied()[name].name)
    assert [row[0] for row in columns(name)[-2:]] == [HOLD_ID.name, COPIED_AT.name]
    assert full.startswith("MergeTree PARTITION BY")
    assert "TTL" not in full


@pytest.mark.parametrize("table", copied().values(), ids=[table.name for table in copied().values()])
def test_rows_are_copied_once_whole_and_of_held_persons_only(warehouse: Warehouse, table: Table) -> None:
    mine, another, elsewhere = a_pseudonym(), a_pseudonym(), a_pseudonym()
    for actor in (mine, another, elsewhere):
        add_rows(warehouse, table.name, actor, LONG_AGO, 3)
        add_rows(warehouse, table.name, actor, LATELY, 2)
    hold = _held(mine, another)
    assert held_copies.keep(warehouse, table, hold, CUT_OFF, NOW) == 6
    assert held_copies.keep(warehouse, table, hold, CUT_OFF, NOW) == 6, "each has its copy by now"
    assert held_copies.by_hold(warehouse, name_of(table))[hold.hold_id] == 6
    assert _ages(warehouse, table.name, hold) == {1_500}
    for actor, kept in ((mine, 3), (another, 3), (elsewhere, 0)):
        assert count(warehouse, name_of(table), actor) == kept
    difference = (
        "SELECT count() FROM (SELECT * FROM {table:Identifier} WHERE actor_hash = {actor:String} AND occurred_at < "
        "{cut_off:DateTime64(3)} EXCEPT SELECT * EXCEPT (hold_id, copied_at) FROM {held:Identifier})"
    )
    scope = {"table": table.name, "held": name_of(table), "actor": mine, "cut_off": CUT_OFF}
    assert warehouse.client.scalar(difference, scope) == 0


def test_what_came_after_the_first_copying_is_copied_too(warehouse: Warehouse) -> None:
    table, actor = tables()["media_events"], a_pseudonym()
    hold = _held(actor)
    add_rows(warehouse, table.name, actor, LONG_AGO)
    held_copies.keep(warehouse, table, hold, CUT_OFF, NOW)
    warehouse.client.command(
        "ALTER TABLE media_events DELETE WHERE actor_hash = {actor:String} SETTINGS mutations_sync = 2",
        {"actor": actor},
    )
    # Of the same day, and not the same row.
    add_rows(warehouse, table.name, actor, LONG_AGO + timedelta(seconds=5))
    assert held_copies.keep(warehouse, table, hold, CUT_OFF, NOW) == 1
    assert count(warehouse, name_of(table), actor) == 2


def test_superseded_versions_are_copied_as_well(warehouse: Warehouse) -> None:
    table, actor, session = tables()["media_sessions"], a_pseudonym(), str(uuid4())
    for version in (1, 2):
        warehouse.client.command(
            "INSERT INTO media_sessions (session_id, org_id, actor_hash, key_epoch, occurred_at, received_at, "
            "fold_version) VALUES ({id:UUID}, {org:String}, {actor:String}, 1, {at:DateTime64(3)}, {at:DateTime64(3)}, "
            "{version:UInt64})",
            {"id": session, "org": ORG, "actor": actor, "at": LONG_AGO, "version": version},
        )
    assert held_copies.keep(warehouse, table, _held(actor), CUT_OFF, NOW) == 2
    warehouse.client.command("OPTIMIZE TABLE held_media_sessions FINAL")
    assert count(warehouse, name_of(table), actor) == 2


def test_a_merge_takes_neither_an_expired_row_of_a_held_person_nor_its_copy(warehouse: Warehouse) -> None:
    table, actor = tables()["error_events"], a_pseudonym()
    add_rows(warehouse, table.name, actor, LONG_AGO, 2)
    warehouse.client.command("OPTIMIZE TABLE error_events FINAL")
    assert count(warehouse, table.name, actor) == 2, "no TTL while anybody is held"
    held_copies.keep(warehouse, table, _held(actor), CUT_OFF, NOW)
    held_copies.restore_ttl(warehouse, table)
    try:
        warehouse.client.command("OPTIMIZE TABLE error_events FINAL")
        warehouse.client.command("OPTIMIZE TABLE held_error_events FINAL")
        assert count(warehouse, table.name, actor) == 0, "what a merge would have done meanwhile"
        assert count(warehouse, name_of(table), actor) == 2
    finally:
        held_copies.remove_ttl(warehouse, table)


def test_the_ttl_comes_back_as_the_contract_has_it(make_platform: Any) -> None:  # noqa: ANN401 - a factory
    settings: Settings = make_platform()
    with open_warehouse(settings.clickhouse) as opened:
        before = engines_of(opened)
        for table in copied().values():
            assert held_copies.has_ttl(opened, table)
            held_copies.remove_ttl(opened, table)
            assert not held_copies.has_ttl(opened, table)
            held_copies.restore_ttl(opened, table)
        assert engines_of(opened) == before
        for table in copied().values():
            assert plain_ttl(before[table.name]) == plain_ttl(f"TTL {table.retention.ttl}")


def test_a_column_that_a_table_got_later_is_copied_too(make_platform: Any) -> None:  # noqa: ANN401 - a factory
    settings: Settings = make_platform()
    table, actor = tables()["staff_metrics"], a_pseudonym()
    with open_warehouse(settings.clickhouse) as opened:
        held_copies.remove_ttl(opened, table)
        opened.client.command("ALTER TABLE staff_metrics ADD COLUMN shift Nullable(UInt16) AFTER org_id")
        opened.client.command("ALTER TABLE staff_metrics MODIFY COLUMN key_epoch UInt64")
        held_copies.ensure_tables(opened)
        opened.client.command(
            "INSERT INTO staff_metrics (org_id, actor_hash, occurred_at, received_at, shift) "
            "VALUES ({org:String}, {actor:String}, {at:DateTime64(3)}, {at:DateTime64(3)}, 3)",
            {"org": ORG, "actor": actor, "at": LONG_AGO},
        )
        assert held_copies.keep(opened, table, _held(actor), CUT_OFF, NOW) == 1
        assert opened.client.scalar("SELECT shift FROM held_staff_metrics") == 3
        rows = opened.client.query(
            "SELECT table, position, type FROM system.columns WHERE database = currentDatabase() "
            "AND table IN ('staff_metrics', 'held_staff_metrics') AND name IN ('shift', 'key_epoch') "
            "ORDER BY position, table"
        )
        places = [tuple(row[1:]) for row in rows]
        assert places[::2] == places[1::2]


def test_copies_are_deleted_and_handed_on_by_their_hold(warehouse: Warehouse) -> None:
    table, actor, another = tables()["analytics_events"], a_pseudonym(), a_pseudonym()
    first, second = _held(actor), _held(another)
    for hold in (first, second):
        add_rows(warehouse, table.name, hold.actors[0], LONG_AGO, 2)
        held_copies.keep(warehouse, table, hold, CUT_OFF, NOW)
    heir = uuid4()
    held_copies.hand_on(warehouse, name_of(table), first.hold_id, heir)
    held_copies.delete(warehouse, name_of(table), second.hold_id)
    found = held_copies.by_hold(warehouse, name_of(table))
    assert (found.get(first.hold_id), found.get(second.hold_id), found[heir]) == (None, None, 2)


def test_statements_name_nobody(warehouse: Warehouse) -> None:
    table, actor = tables()["pose_tracking_frames"], a_pseudonym()
    add_rows(warehouse, table.name, actor, LONG_AGO)
    warehouse.client.command("SYSTEM FLUSH LOGS")
    warehouse.client.command("TRUNCATE TABLE system.query_log")
    hold = _held(actor)
    held_copies.keep(warehouse, table, hold, CUT_OFF, NOW)
    held_copies.delete(warehouse, name_of(table), hold.hold_id)
    warehouse.client.command("SYSTEM FLUSH LOGS")
    said = str(warehouse.client.query("SELECT query, toString(Settings) FROM system.query_log"))
    said += str(warehouse.client.query("SELECT command FROM system.mutations"))
    assert "copy_held" not in said
    assert "held_pose_tracking_frames" in said
    assert actor not in said


def test_nobody_is_looked_for_by_what_is_no_pseudonym(warehouse: Warehouse) -> None:
    table = tables()["media_events"]
    assert held_copies.keep(warehouse, table, _held(), CUT_OFF, NOW) == 0
    with pytest.raises(ContractViolationError, match="64 hex digits"):
        held_copies.keep(warehouse, table, _held("' OR 1 --"), CUT_OFF, NOW)
