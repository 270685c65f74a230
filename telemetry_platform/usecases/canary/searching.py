"""Look for marks in everything that is at rest: decoded, as the stores answer, and raw, as files lie there.

Compression hides a mark from a search through files, and what a store has forgotten or only wrote to its log is in no
answer of its own: so both. Invariant: a store that could not be looked through is a failure in the result, never a
store without hits.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from telemetry_platform.errors import PlatformError
from telemetry_platform.processing.mark_forms import forms
from telemetry_platform.processing.mark_search import Patterns, find_in_rows, find_in_stream
from telemetry_platform.stores import dump_clickhouse, dump_postgres, dump_redis, postgres, redis
from telemetry_platform.stores.files_at_rest import files_below
from telemetry_platform.stores.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from telemetry_platform.settings import ClickHouseSettings, RedisSettings
    from telemetry_platform.stores.parts_at_rest import FilePart, TablePart
    from telemetry_platform.usecases.canary.marks import Mark

DECODED, RAW = "decoded", "raw"


@dataclass(frozen=True)
class Database:
    """One PostgreSQL database, and a connection that may read all of it."""

    name: str
    url: str = field(repr=False)


@dataclass(frozen=True)
class Reach:
    """What can be looked through from here; `out_of_reach` says in words what cannot."""

    clickhouse: ClickHouseSettings
    databases: tuple[Database, ...]
    redis: RedisSettings
    folders: tuple[Path, ...] = ()
    out_of_reach: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A mark, where it was found, and in which form."""

    place: str
    mark: Mark
    form: str


@dataclass
class Looked:
    """One store, looked through in one way."""

    store: str
    how: str
    parts: int = 0
    size: int = 0
    hits: Counter[Hit] = field(default_factory=Counter)
    failure: str = ""
    unread: list[str] = field(default_factory=list)
    """Tables that the role at hand may not read."""


class Search:
    """The marks of a run, in all their forms."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._meaning = _meaning(marks)
        self._decoded = Patterns(self._meaning)
        # A file does not say in whose column it is: what may stay somewhere is looked for in tables only.
        self._raw = Patterns(
            pattern for pattern, meant in self._meaning.items() if any(not mark.may_stay for mark, _ in meant)
        )

    def everywhere(self, reach: Reach) -> list[Looked]:
        """All stores."""
        return [
            _looked("ClickHouse", DECODED, lambda looked: self._clickhouse(reach, looked)),
            *map(self.in_database, reach.databases),
            _looked("Redis", DECODED, lambda looked: self._redis(reach, looked)),
            *(_looked(f"files in {folder}", RAW, self._of_folder(folder)) for folder in reach.folders),
        ]

    def in_database(self, database: Database) -> Looked:
        """One PostgreSQL database."""
        return _looked(f"PostgreSQL {database.name}", DECODED, self._of_database(database))

    def _clickhouse(self, reach: Reach, looked: Looked) -> None:
        with open_warehouse(reach.clickhouse, log_comment="telemetry canary") as warehouse:
            for part in dump_clickhouse.tables(warehouse):
                self._table("ClickHouse", part, looked)

    def _of_database(self, database: Database) -> Callable[[Looked], None]:
        def look(looked: Looked) -> None:
            with postgres.connect(database.url, application="telemetry-canary") as connection:
                for part in dump_postgres.tables(connection, looked.unread):
                    self._table(f"PostgreSQL {database.name}", part, looked, between=".")

        return look

    def _redis(self, reach: Reach, looked: Looked) -> None:
        with redis.connect(reach.redis) as client:
            numbers = dump_redis.databases(client)
        for number in numbers:
            with redis.connect(_at_database(reach.redis, number)) as client:
                for part in dump_redis.tables(client):
                    self._table("Redis", part, looked)

    def _of_folder(self, folder: Path) -> Callable[[Looked], None]:
        def look(looked: Looked) -> None:
            for part in files_below(folder):
                self._file(part, looked)

        return look

    def _table(self, store: str, part: TablePart, looked: Looked, between: str = " ") -> None:
        looked.parts += 1
        for found in find_in_rows(self._decoded, _counted(part.blocks, looked)):
            column = part.columns[min(found.column, len(part.columns) - 1)]
            self._note(f"{store}{between}{part.name}.{column}", found.pattern, looked)

    def _file(self, part: FilePart, looked: Looked) -> None:
        looked.parts += 1

        def pieces() -> Iterator[tuple[int, bytes]]:
            for begin, piece in part.pieces:
                looked.size += len(piece)
                yield begin, piece

        for found in find_in_stream(self._raw, pieces()):
            self._note(part.name, found.pattern, looked)

    def _note(self, place: str, pattern: bytes, looked: Looked) -> None:
        for mark, form in self._meaning[pattern]:
            if not mark.may_be_in(place) and not (looked.how == RAW and mark.may_stay):
                looked.hits[Hit(place, mark, form)] += 1


def _meaning(marks: Sequence[Mark]) -> dict[bytes, list[tuple[Mark, str]]]:
    """Of which mark each pattern is a form, and which."""
    meaning: dict[bytes, list[tuple[Mark, str]]] = {}
    for mark in marks:
        found = {pattern: form for spelling in mark.spellings for form, pattern in forms(spelling)}
        for pattern, form in found.items():
            meaning.setdefault(pattern, []).append((mark, form))
    return meaning


def _looked(store: str, how: str, look: Callable[[Looked], None]) -> Looked:
    looked = Looked(store, how)
    try:
        look(looked)
    except PlatformError as error:
        looked.failure = str(error)
    if not looked.failure and not looked.size:
        looked.failure = "nothing was there to look through: is it the right place?"
    return looked


def _counted(blocks: Iterator[bytes], looked: Looked) -> Iterator[bytes]:
    for block in blocks:
        looked.size += len(block)
        yield block


def _at_database(settings: RedisSettings, number: int) -> RedisSettings:
    parts = urlsplit(settings.url.get_secret_value())
    return settings.model_copy(update={"url": SecretStr(urlunsplit(parts._replace(path=f"/{number}")))})
