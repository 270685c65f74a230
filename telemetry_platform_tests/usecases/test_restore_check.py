"""Restored backups: nobody works on one before what was erased since is gone from it again."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr

from telemetry_platform.errors import ContractViolationError, RestoredDataError
from telemetry_platform.settings import PrivacySettings, Settings
from telemetry_platform.stores import postgres, redis, restore_marks, tombstone_copies
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.key_list import KeyList
from telemetry_platform.usecases.restore_check import RestoreReport, restore_check
from telemetry_platform.usecases.restored import (
    copy_tombstones,
    mark_removal,
    refuse_restored,
    refuse_restored_postgres,
)
from telemetry_platform.usecases.sweep_again import sweep_again
from telemetry_platform_tests.usecases import dumps
from telemetry_platform_tests.usecases.landing import (
    ACTOR,
    a_session,
    an_id,
    count,
    drain_all,
    error_entry,
    just_now,
    looking,
    media_entry,
    queue,
    quick,
)
from telemetry_platform_tests.usecases.test_drain_erased import begun, bury

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle

OTHER = "c" * 64
LEAST = 8
"""Six events of a view, its session, and an error."""
OF_A_PERSON = "SELECT count() FROM {table:Identifier} WHERE actor_hash = {actor:String}"
COPY = "INSERT INTO {into:Identifier}.{table:Identifier} SELECT * FROM {table:Identifier}"
COPIED = ("media_events", "media_sessions", "media_buffering_events", "error_events", "restore_marks")


@dataclass(frozen=True)
class Scene:
    """The databases as they went on, and as a backup from before an erasure has them."""

    live: Settings
    old_warehouse: str
    old_postgres: str
    folder: Path

    def settings(self, *, old_warehouse: bool, old_postgres: bool, copies: bool = False) -> Settings:
        """The live ones, or restored ones in their place."""
        found = self.live
        if old_warehouse:
            part = found.clickhouse.model_copy(update={"database": self.old_warehouse})
            found = found.model_copy(update={"clickhouse": part})
        if old_postgres:
            urls = {name: at(getattr(found.postgres, name), self.old_postgres) for name in ("url", "read_url")}
            found = found.model_copy(update={"postgres": found.postgres.model_copy(update=urls)})
        if copies:
            found = found.model_copy(update={"privacy": PrivacySettings(tombstone_copy=self.folder)})
        return found


def at(url: SecretStr | None, database: str) -> SecretStr:
    assert url is not None
    return SecretStr(urlunsplit(urlsplit(url.get_secret_value())._replace(path=f"/{database}")))


@pytest.fixture
def scene(engines: PlatformHandle, make_platform: Callable[[], Settings], tmp_path: Path) -> Iterator[Scene]:
    """A person's view is backed up; then they are erased, come back, and begin another one."""
    live, copy = quick(make_platform()), make_platform()
    start = just_now() - timedelta(hours=1)
    other = media_entry(an_id("other"), "heartbeat", start, position_seconds=1.0)
    queue(live, [*a_session(1, start), error_entry(an_id("session", 1), start, an_id("failed"))])
    queue(live, [type(other)(**{**vars(other), "actor_hash": OTHER})])
    drain_all(live)
    with looking(live) as (warehouse, _):
        for table in COPIED:
            warehouse.client.command(COPY, {"into": copy.clickhouse.database, "table": table})
    dumps.archive(engines, live, tmp_path / "old.dump")
    folder = tmp_path / "copies"
    erase(live.model_copy(update={"privacy": PrivacySettings(tombstone_copy=folder)}))
    new = media_entry(an_id("new"), "heartbeat", datetime.now(UTC), position_seconds=1.0)
    queue(live, begun(live, [new]))
    drain_all(live)
    name = f"restored_{os.getpid()}_{uuid4().hex[:8]}"
    with dumps.brought_back(engines, tmp_path / "old.dump", name):
        yield Scene(live, copy.clickhouse.database, name, folder)


def erase(settings: Settings) -> None:
    """An erasure as far as it matters here: tombstone and copy, sweep, mark."""
    now = just_now()
    with looking(settings) as (warehouse, conn):
        bury(conn, now)
        copy_tombstones(conn, settings.privacy.tombstone_copy, now)
        in_force = tombstone_copies.read(settings.privacy.tombstone_copy) if settings.privacy.tombstone_copy else []
        assert sweep_again(warehouse, conn, in_force, now) >= LEAST
        mark_removal(conn, warehouse, settings, restore_marks.ERASURE, uuid4(), now)


def check(settings: Settings, *, accept_lost: bool = False) -> RestoreReport:
    with open_stores(settings) as stores, postgres.connect(settings.postgres) as conn:
        ring = load_key_ring(conn, settings.keys)
        conn.rollback()
        return restore_check(stores, settings, ring, now=datetime.now(UTC), accept_lost=accept_lost)


def rows_of(settings: Settings, actor_hash: str) -> int:
    """Rows of a person in all tables, superseded versions too."""
    with looking(settings) as (warehouse, _):
        return sum(
            int(warehouse.client.scalar(OF_A_PERSON, {"table": table, "actor": actor_hash})) for table in COPIED[:-1]
        )


def forget(settings: Settings) -> None:
    """Redis knows no mark any more: it was emptied, or is another one."""
    with redis.connect(settings.redis) as client:
        client.delete("restore:mark")


def test_databases_that_went_on_are_let_through(scene: Scene) -> None:
    for copies in (False, True):
        settings = scene.settings(old_warehouse=False, old_postgres=False, copies=copies)
        assert drain_all(settings).entries == 0
        assert rows_of(settings, ACTOR) > 0
        assert rows_of(settings, OTHER) > 0
    now = datetime.now(UTC)
    with looking(scene.live) as (warehouse, conn):
        # What was begun after the erasure is all that there is of the person.
        assert count(warehouse, "media_events") == (2, 2)
        # A crash between the two databases is no restore.
        mark = restore_marks.begin(conn, warehouse, uuid4(), restore_marks.ERASURE, now)
        refuse_restored(conn, warehouse, scene.live, now)
        restore_marks.write_to_warehouse(warehouse, mark, now)
        refuse_restored(conn, warehouse, scene.live, now)
        mark_removal(conn, warehouse, scene.live, restore_marks.RETENTION, uuid4(), now)
        refuse_restored(conn, warehouse, scene.live, now)


def test_an_older_clickhouse_is_refused_until_it_is_checked(scene: Scene) -> None:
    settings = scene.settings(old_warehouse=True, old_postgres=False)
    assert rows_of(settings, ACTOR) >= LEAST
    others = rows_of(settings, OTHER)
    for _ in range(2):
        with pytest.raises(RestoredDataError, match=r"ClickHouse was restored.*restore-check"):
            drain_all(settings)
    report = check(settings)
    assert (report.persons, report.tombstones, report.brought_back) == (1, 1, 0)
    assert report.erased >= LEAST
    assert (rows_of(settings, ACTOR), rows_of(settings, OTHER)) == (0, others)
    assert drain_all(settings).entries == 0
    # The database that it was restored from is another one now.
    with pytest.raises(RestoredDataError, match="ClickHouse"):
        drain_all(scene.live)


def test_an_older_postgresql_is_told_by_whatever_went_on(scene: Scene) -> None:
    both = scene.settings(old_warehouse=True, old_postgres=True)
    with pytest.raises(RestoredDataError, match="behind Redis"):
        drain_all(both)
    settings = scene.settings(old_warehouse=False, old_postgres=True)

    def refuse(connection: postgres.Connection) -> None:
        refuse_restored_postgres(connection, settings, datetime.now(UTC))

    keys = KeyList(settings.postgres, settings.keys, lambda: 0.0, refuse)
    with pytest.raises(RestoredDataError, match="restore-check"):
        keys.refresh()
    assert keys.age() is None
    forget(settings)
    with pytest.raises(RestoredDataError, match="behind ClickHouse"):
        drain_all(settings)
    with pytest.raises(RestoredDataError, match="behind the copies of tombstones"):
        drain_all(scene.settings(old_warehouse=True, old_postgres=True, copies=True))
    # What was erased since is known to nobody here: that is no check, unless somebody says so.
    with pytest.raises(RestoredDataError, match="accept-lost-erasures"):
        check(settings)
    check(settings, accept_lost=True)
    keys.refresh()
    assert keys.ring().epochs
    assert drain_all(settings).entries == 0


def test_both_restored_learn_of_the_erasure_from_its_copy(scene: Scene) -> None:
    settings = scene.settings(old_warehouse=True, old_postgres=True, copies=True)
    forget(settings)
    assert rows_of(settings, ACTOR) >= LEAST
    others = rows_of(settings, OTHER)
    report = check(settings)
    assert (report.persons, report.brought_back) == (1, 1)
    assert report.erased >= LEAST
    assert (rows_of(settings, ACTOR), rows_of(settings, OTHER)) == (0, others)
    assert drain_all(settings).entries == 0
    with looking(settings) as (_, conn):
        # It is asked for again, and the person is erased in the list that the API judges by.
        assert conn.execute("SELECT status FROM privacy.erasures").fetchall() == [("requested",)]
        assert conn.execute("SELECT level, erased_at IS NOT NULL FROM privacy.subjects").fetchall() == [(1, True)]
    again = check(settings)
    assert (again.brought_back, again.erased) == (0, 0)
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as reader:
        told = reader.execute(
            "SELECT body FROM audit.audit_logs JOIN audit.details USING (seq) WHERE action = 'restore.checked'"
        ).fetchall()
    assert [row[0]["tombstones"] for row in told] == [1, 1]


def test_a_copy_is_private_must_be_readable_and_goes_when_its_time_is_over(scene: Scene) -> None:
    (file,) = scene.folder.glob("*.json")
    whole = file.read_bytes()
    (row,) = json.loads(whole)
    assert set(row) == {"org_id", "subject_hash", "epoch", "actor_hash", "erased_at", "until"}
    assert (file.stat().st_mode & 0o777, scene.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    settings = scene.settings(old_warehouse=False, old_postgres=False, copies=True)
    file.write_bytes(whole[:-10])
    with pytest.raises(ContractViolationError, match=file.name):
        drain_all(settings)
    file.write_bytes(whole)
    with looking(settings) as (_, conn):
        assert copy_tombstones(conn, scene.folder, datetime.now(UTC)) == 0
        conn.execute("DELETE FROM privacy.tombstones")
        copy_tombstones(conn, scene.folder, datetime.now(UTC) + timedelta(days=31))
    assert not list(scene.folder.glob("*.json"))
