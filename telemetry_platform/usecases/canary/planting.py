"""Plant marks in every store, so that a search which finds nothing is known to have been able to find something.

Each plant says where it must be found and in which way: a compressed one is no find among files. Invariant: what was
planted is taken away again, whatever happened between; its traces in logs are random words that nobody sent.
"""

from __future__ import annotations

import base64
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from telemetry_platform import sql_files
from telemetry_platform.stores import postgres, redis
from telemetry_platform.stores.postgres import SQL, Identifier, Literal
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.canary.marks import Mark
from telemetry_platform.usecases.canary.searching import DECODED, RAW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from telemetry_platform.usecases.canary.searching import Database, Looked, Reach

_LONG = 4000
"""Longer than the 2 KB from which PostgreSQL compresses a value and puts it aside."""


@dataclass(frozen=True)
class Plant:
    """A mark, in which of the two searches it must be found, and at which place (`*` is anything)."""

    mark: Mark
    how: str
    place: str

    def is_in(self, looked: list[Looked]) -> bool:
        """Whether that search found it there."""
        return any(
            hit.mark is self.mark and fnmatchcase(hit.place, self.place)
            for store in looked
            if store.how == self.how
            for hit in store.hits
        )


@dataclass
class _Planter:
    """What is planted, and how it is taken away."""

    random: Callable[[int], bytes]
    name: str
    undo: ExitStack
    plants: list[Plant]

    def word(self, how: str, place: str) -> str:
        """A new mark that must be found there."""
        text = f"z{self.random(10).hex()}"
        self.plants.append(Plant(Mark(f"planted: {place}", (text,)), how, place))
        return text


@contextmanager
def planted(reach: Reach, random: Callable[[int], bytes]) -> Iterator[list[Plant]]:
    """Marks in every store for the length of the block. Raises PlatformError for a store that takes none."""
    with ExitStack() as undo:
        planter = _Planter(random, f"canary_plant_{random(6).hex()}", undo, [])
        has_files = bool(reach.folders)
        _in_clickhouse(planter, reach, has_files=has_files)
        for database in reach.databases:
            _in_postgres(planter, database, has_files=has_files)
        _in_redis(planter, reach, has_files=has_files)
        for folder in reach.folders:
            _in_folder(planter, folder)
        yield planter.plants


def _in_clickhouse(planter: _Planter, reach: Reach, *, has_files: bool) -> None:
    """A compressed row, one that is not compressed, and a statement that names one."""
    table = {"table": planter.name}
    warehouse = planter.undo.enter_context(open_warehouse(reach.clickhouse, log_comment="telemetry canary"))
    warehouse.client.command(
        "CREATE TABLE {table:Identifier} (packed String, plain String CODEC(NONE)) ENGINE = MergeTree ORDER BY ()",
        table,
    )
    planter.undo.callback(warehouse.client.command, "DROP TABLE IF EXISTS {table:Identifier} SYNC", table)
    place = f"ClickHouse *.{planter.name}"
    packed, plain = planter.word(DECODED, f"{place}.packed"), planter.word(DECODED, f"{place}.plain")
    warehouse.client.command(
        "INSERT INTO {table:Identifier} VALUES ({packed:String}, {plain:String})",
        table | {"packed": packed * 10, "plain": plain},
    )
    if has_files:
        planter.plants.append(Plant(planter.plants[-1].mark, RAW, "*/clickhouse/*"))
    logged = planter.word(DECODED, "ClickHouse system.query_log.query")
    warehouse.client.query(f"SELECT '{logged}'")


def _in_postgres(planter: _Planter, database: Database, *, has_files: bool) -> None:
    """Rows as they are and compressed: by PostgreSQL itself, and by whoever wrote them, as Dagster does."""
    connection = planter.undo.enter_context(
        postgres.connect(database.url, application="telemetry-canary", autocommit=True)
    )
    table = Identifier("public", planter.name)
    connection.execute(SQL("CREATE TABLE {} (plain text, long text, zipped bytea, coded text)").format(table))
    planter.undo.callback(connection.execute, SQL("DROP TABLE IF EXISTS {}").format(table))
    place = f"PostgreSQL {database.name}.public.{planter.name}"
    plain, long, zipped, coded = (
        planter.word(DECODED, f"{place}.{column}") for column in ("plain", "long", "zipped", "coded")
    )
    if has_files:
        planter.plants.append(Plant(planter.plants[-4].mark, RAW, "*/postgres/*"))
    values = (
        plain,
        "long text " * _LONG + long + " long text" * _LONG,
        zlib.compress(f'{{"tag": "{zipped}"}}'.encode()),
        base64.b64encode(zlib.compress(f'{{"tag": "{coded}"}}'.encode())).decode(),
    )
    connection.execute(SQL("INSERT INTO {} VALUES ({})").format(table, SQL(", ").join(map(Literal, values))))
    for table_in_use in _IN_USE:
        _in_table_in_use(planter, connection, database, table_in_use)


@dataclass(frozen=True)
class _InUse:
    """A table that is in use, the statement that plants there, the column with the plant's name, that with the mark."""

    schema: str
    table: str
    statement: str
    named_by: str
    marked: str


_IN_USE = (
    _InUse("privacy", "dead_letters", "plant_dead_letter", "stream", "body"),
    _InUse("public", "kvs", "plant_dagster_value", "key", "value"),
)


def _in_table_in_use(planter: _Planter, connection: postgres.Connection, database: Database, where: _InUse) -> None:
    """A row among the others, in whichever database has the table."""
    if connection.execute("SELECT to_regclass(%s)", (f"{where.schema}.{where.table}",)).fetchall() == [(None,)]:
        return
    word = planter.word(DECODED, f"PostgreSQL {database.name}.{where.schema}.{where.table}.{where.marked}")
    statement = sql_files.read(f"postgres/queries/{where.statement}.sql").encode()
    connection.execute(statement, {"name": planter.name, "word": word})
    delete = SQL("DELETE FROM {} WHERE {} = {}").format(
        Identifier(where.schema, where.table), Identifier(where.named_by), Literal(planter.name)
    )
    planter.undo.callback(connection.execute, delete)


def _in_redis(planter: _Planter, reach: Reach, *, has_files: bool) -> None:
    """A key of every type, and a name."""
    client = planter.undo.enter_context(redis.connect(reach.redis))
    keys = [f"{planter.name}:{kind}" for kind in ("text", "hash", "list", "set", "zset", "stream")]
    words = [planter.word(DECODED, f"Redis {planter.name}.value") for _ in keys]
    named = f"{planter.name}:{planter.word(DECODED, f'Redis {planter.name}.key')}"
    if has_files:
        planter.plants += [Plant(plant.mark, RAW, "*/redis/*") for plant in planter.plants[-1 - len(keys) :]]
    with redis.own_errors():
        planter.undo.callback(client.delete, named, *keys)
        client.set(named, "1")
        client.set(keys[0], words[0])
        client.hset(keys[1], "field", words[1])
        client.rpush(keys[2], words[2])
        client.sadd(keys[3], words[3])
        client.zadd(keys[4], {words[4]: 1.0})
        client.xadd(keys[5], {"body": words[5]})


def _in_folder(planter: _Planter, folder: Path) -> None:
    """A log line, and the same in an encoding that a program on another system would write."""
    file = folder / f"{planter.name}.log"
    place = str(file)
    planter.undo.callback(file.unlink, missing_ok=True)
    line, wide = planter.word(RAW, place), planter.word(RAW, place)
    file.touch(mode=0o600)
    file.write_bytes(f"INFO {line}\n".encode() + wide.encode("utf-16-le"))
