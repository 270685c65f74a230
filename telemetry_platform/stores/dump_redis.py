"""Everything that a Redis server holds, decoded: every key of every type, names and values.

Invariant: a key of a type that is not known here raises; what was there when the scan began and is still there when it
ends is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry_platform.errors import PermanentError
from telemetry_platform.stores.parts_at_rest import TablePart
from telemetry_platform.stores.redis import own_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from telemetry_platform.stores.redis import Redis

_COLUMNS = ("key", "value")
_PAGE = 1000


def tables(client: Redis) -> Iterator[TablePart]:
    """The keys of the connection's database, by the first word of their names."""
    with own_errors():
        keys: list[Any] = sorted(client.scan_iter(count=_PAGE))
    for group in sorted({_group(key) for key in keys}):
        yield TablePart(group, _COLUMNS, _lines(client, [key for key in keys if _group(key) == group]))


def databases(client: Redis) -> list[int]:
    """Numbers of the logical databases that hold a key."""
    with own_errors():
        found: Mapping[str, Any] = client.info("keyspace")
    return sorted(int(name.removeprefix("db")) for name in found)


def _group(key: bytes) -> str:
    return key.split(b":", 1)[0].decode("utf-8", "replace")


def _lines(client: Redis, keys: list[bytes]) -> Iterator[bytes]:
    for key in keys:
        with own_errors():
            kind: Any = client.type(key)
            if kind == b"none":
                continue
            if kind not in _READERS:
                raise PermanentError(f"a key of the type {kind.decode()} cannot be searched: teach `dump_redis` to")
            values = list(_flat(_READERS[kind](client, key)))
        yield _plain(key) + b"\t" + b" ".join(map(_plain, values)) + b"\n"


def _stream(client: Redis, key: bytes) -> list[Any]:
    """Entries, and the names of groups and consumers."""
    entries, groups = client.xrange(key), client.xinfo_groups(key)
    return [entries, groups, [client.xinfo_consumers(key, group["name"]) for group in groups]]


_READERS: Mapping[bytes, Callable[[Redis, bytes], Any]] = {
    b"string": lambda client, key: client.get(key),
    b"hash": lambda client, key: client.hgetall(key),
    b"list": lambda client, key: client.lrange(key, 0, -1),
    b"set": lambda client, key: client.smembers(key),
    b"zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    b"stream": _stream,
}


def _flat(value: Any) -> Iterator[bytes]:  # noqa: ANN401 - whatever the driver made of an answer
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from (*_flat(name), *_flat(part))
    elif isinstance(value, (list, tuple, set)):
        for part in value:
            yield from _flat(part)
    elif value is not None:
        yield str(value).encode()


def _plain(value: bytes) -> bytes:
    """Without what ends a column or a line."""
    return value.replace(b"\t", b" ").replace(b"\n", b" ")
