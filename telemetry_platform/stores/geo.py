"""Country and region of a truncated address, from a database in MaxMind's format. Never city or coordinates.

GeoIP2, GeoLite2 and DB-IP name a country as geoip2's models read it; the files of ip-location-db hold a bare
`country_code` and a type that geoip2's own Reader refuses. Both are read here: opened with geoip2's reader of the
format (maxminddb), and given to its models no further than country and region.

Invariants: a database that is missing, unreadable, corrupt, of another type or being replaced costs NULLs and a failing
health line, never an event. The file is read into memory by the Python reader: mapped by the C reader, a file that is
cut short under us would kill the process. A replaced file is used only after it has answered for a country; until then
the old reader serves, and a file that cannot be used is not read again before it changes.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import struct
import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import maxminddb
from geoip2.models import City

if TYPE_CHECKING:
    from pathlib import Path

Place = tuple[str | None, str | None]
"""Country (ISO 3166-1 alpha-2) and region (ISO 3166-2, like RO-CJ)."""

NOWHERE: Place = (None, None)
_log = logging.getLogger(__name__)
_REMEMBERED = 100_000
_COUNTRY = re.compile(r"[A-Z]{2}")
_REGION = re.compile(r"[A-Z0-9]{1,3}")
_UNPRINTABLE = re.compile(r"[^A-Za-z0-9 ._-]")
# What reader and models raise for files that are none, trees that lead nowhere and records of another shape: a corrupt
# file can hold any byte, and every one of these was seen with flipped ones.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    struct.error,
    maxminddb.InvalidDatabaseError,
)
# Where an address space is first looked at, and how many of its networks are: real databases answer at the second.
_SPACES: tuple[IPv4Address | IPv6Address, ...] = (IPv4Address("0.0.0.0"), IPv6Address("2000::"))  # noqa: S104 - where a walk begins, bound to nothing
_MOST_HOPS = 4_000


class _UnusableError(ValueError):
    """Says in our own words why a file is not used."""


class GeoState(StrEnum):
    """How much of the addresses can be placed."""

    OFF = "off"
    ANSWERS = "answers"
    PARTLY = "answers in part"
    FAILS = "fails"


@dataclass(frozen=True)
class GeoHealth:
    """Whether places are known, and what to do when they are not. The message names no address."""

    state: GeoState
    message: str

    @property
    def ok(self) -> bool:
        """Whether every address can be looked up."""
        return self.state is GeoState.ANSWERS


OFF = GeoHealth(
    GeoState.OFF, "no geo database is set, countries and regions are NULL: TELEMETRY_GEO__DATABASE names one"
)


@dataclass(frozen=True)
class _Database:
    """An open database that has answered, and whether for IPv4 and for IPv6 addresses."""

    reader: maxminddb.Reader
    kind: str
    knows_v4: bool
    knows_v6: bool

    def place_of(self, address: str) -> Place:
        """Raises one of _UNREADABLE where the database is corrupt."""
        if not (self.knows_v6 if ":" in address else self.knows_v4):
            return NOWHERE
        return _place(self.reader.get(address))


class Geo:
    """Looks addresses up; safe to share between threads. `refresh` costs one look at the file's date."""

    def __init__(self, database: Path | None) -> None:
        self._path = database
        self._database: _Database | None = None
        self._seen: tuple[int, ...] | None = None
        self._known: OrderedDict[str, Place] = OrderedDict()
        self._lock = threading.Lock()
        self.health = OFF
        self.refresh()

    def refresh(self) -> None:
        """Read the file again if it has changed; the old one serves until the new one answers."""
        with self._lock:
            if self._path is not None:
                self._refresh(self._path)

    def place_of(self, address: str) -> Place:
        """Country and region; NULLs for what the database does not know."""
        with self._lock:
            if self._database is None:
                return NOWHERE
            place = self._known.get(address)
            if place is None:
                place = self._known[address] = self._look_up(self._database, address)
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            return place

    def _look_up(self, database: _Database, address: str) -> Place:
        try:
            return database.place_of(address)
        except _UNREADABLE as error:
            self._say(_failing(f"{database.kind} cannot be read in places", error, ", where there are NULLs"))
            return NOWHERE

    def _refresh(self, path: Path) -> None:
        try:
            mark = _mark(path.stat())
            if mark == self._seen:
                return
            content, self._seen = _read(path)
            database = _opened(content)
        except _UNREADABLE as error:
            if isinstance(error, OSError):
                # It may pass without the file changing: a share that hangs, or a writer at work.
                self._seen = None
            kept = "; the one read before is still used" if self._database else "; countries and regions are NULL"
            self._say(_failing("the geo database cannot be used", error, kept))
            return
        self._database = database
        self._known.clear()
        self._say(_health(database))

    def _say(self, health: GeoHealth) -> None:
        """Remember, and log what is new: an address that cannot be looked up is one of many."""
        if health != self.health and not health.ok:
            _log.warning("%s", health.message)
        self.health = health


def _mark(status: os.stat_result) -> tuple[int, ...]:
    """What changes whenever the file does."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size


def _read(path: Path) -> tuple[bytes, tuple[int, ...]]:
    """The file as it is, and its mark. Raises OSError for what is no file, and for one that changes meanwhile."""
    # A pipe would keep us waiting for its writer.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise _UnusableError("it is no file")
        content = file.read()
        after = os.fstat(file.fileno())
    if _mark(before) != _mark(after) or len(content) != after.st_size:
        raise BlockingIOError("the file is being written")
    return content, _mark(after)


def _opened(content: bytes) -> _Database:
    """A database that has answered for a country. Raises one of _UNREADABLE."""
    reader = maxminddb.open_database(BytesIO(content), maxminddb.MODE_FD)
    about = reader.metadata()
    kind = _UNPRINTABLE.sub("?", str(about.database_type))[:64]
    knows = [space.version <= about.ip_version and _answers_for(reader, space) for space in _SPACES]
    if not any(knows):
        raise _UnusableError(f"a database of type `{kind}` holds no countries")
    return _Database(reader, kind, *knows)


def _answers_for(reader: maxminddb.Reader, space: IPv4Address | IPv6Address) -> bool:
    """Whether one of the first networks has a country.

    From network to network by their lengths, and not with the reader's own walk, which a corrupt tree keeps for ever.
    """
    number, bits = int(space), space.max_prefixlen
    for _ in range(_MOST_HOPS):
        if number >> bits:
            break
        record, length = reader.get_with_prefix_len(type(space)(number))
        if _place(record)[0] is not None:
            return True
        width = bits - max(length, 0)
        number = ((number >> width) + 1) << width
    return False


def _place(record: object) -> Place:
    """Nothing finer than a region is looked at, and what is no code is no place: some files have names there."""
    if not isinstance(record, dict):
        return NOWHERE
    if "country_code" in record:
        return _code(record["country_code"], _COUNTRY), None
    found = City(None, country=record.get("country"), subdivisions=record.get("subdivisions"))
    country = _code(found.country.iso_code, _COUNTRY)
    region = _code(found.subdivisions[0].iso_code, _REGION) if found.subdivisions else None
    return country, f"{country}-{region}" if country and region else None


def _code(value: object, pattern: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _health(database: _Database) -> GeoHealth:
    if database.knows_v4 and database.knows_v6:
        return GeoHealth(GeoState.ANSWERS, f"{database.kind} answers")
    version = "IPv6" if database.knows_v4 else "IPv4"
    return GeoHealth(
        GeoState.PARTLY,
        f"{database.kind} knows no {version} addresses: their countries and regions are NULL until "
        "TELEMETRY_GEO__DATABASE names a database of both",
    )


def _failing(what: str, error: BaseException, kept: str) -> GeoHealth:
    # The text of other errors may quote what the file holds.
    why = str(error) if isinstance(error, _UnusableError) else type(error).__name__
    return GeoHealth(
        GeoState.FAILS,
        f"{what} ({why}){kept}: replace the file that TELEMETRY_GEO__DATABASE names by a City or "
        "Country database that this process may read",
    )
