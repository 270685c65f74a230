"""Country and region of a truncated address, from a database in MaxMind format. Never city or coordinates.

Invariants: a database that is missing, unreadable, corrupt, of another type or being replaced costs NULLs and a failing
health line, never an event. The file is read into memory by the Python reader: mapped by the C reader, a file that is
cut short under us would kill the process. A replaced file is used only after it has answered a question.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import maxminddb

if TYPE_CHECKING:
    from pathlib import Path

Place = tuple[str | None, str | None]
"""Country (ISO 3166-1 alpha-2) and region (ISO 3166-2, like RO-CJ)."""

NOWHERE: Place = (None, None)
_REMEMBERED = 100_000
_PROBE = "192.0.2.0"
# What the reader raises for files that are none, addresses that are none, and trees that lead nowhere.
_UNREADABLE = (OSError, ValueError, maxminddb.InvalidDatabaseError, LookupError, TypeError, UnicodeDecodeError)


@dataclass(frozen=True)
class GeoHealth:
    """Whether places are known, and what to do when they are not."""

    ok: bool
    message: str


class Geo:
    """Looks addresses up; safe to share between threads. `refresh` costs one look at the file's date."""

    def __init__(self, database: Path | None) -> None:
        self._path = database
        self._reader: maxminddb.Reader | None = None
        self._seen: tuple[int, int, int] | None = None
        self._known: OrderedDict[str, Place] = OrderedDict()
        self._lock = threading.Lock()
        self.health = GeoHealth(ok=False, message="no geo database is set: TELEMETRY_GEO__DATABASE names one")
        self.refresh()

    def refresh(self) -> None:
        """Read the file again if it has changed; the old one serves until the new one answers."""
        with self._lock:
            self._refresh()

    def place_of(self, address: str) -> Place:
        """Country and region; NULLs for what the database does not know."""
        with self._lock:
            if self._reader is None:
                return NOWHERE
            place = self._known.get(address)
            if place is None:
                place = self._known[address] = _look_up(self._reader, address)
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            return place

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            status = self._path.stat()
            mark = (status.st_mtime_ns, status.st_ino, status.st_size)
            if mark == self._seen:
                return
            self._seen = mark
            reader = _open(self._path)
        except _UNREADABLE as error:
            kept = "; the one read before is still used" if self._reader else "; countries and regions are NULL"
            self.health = GeoHealth(
                ok=False,
                message=f"the geo database cannot be used ({type(error).__name__}){kept}: replace the file that "
                "TELEMETRY_GEO__DATABASE names by a City or Country database",
            )
            return
        self._reader = reader
        self._known.clear()
        self.health = GeoHealth(ok=True, message=f"{reader.metadata().database_type} answers")


def _open(path: Path) -> maxminddb.Reader:
    """A reader that has answered. Raises one of _UNREADABLE."""
    reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
    kind = reader.metadata().database_type
    if not any(part in kind for part in ("City", "Country", "Enterprise", "Insights")):
        raise ValueError("not a City or Country database")
    reader.get(_PROBE)
    return reader


def _look_up(reader: maxminddb.Reader, address: str) -> Place:
    try:
        found = reader.get(address)
    except _UNREADABLE:
        return NOWHERE
    if not isinstance(found, dict):
        return NOWHERE
    country = _code(found.get("country"))
    divisions = found.get("subdivisions")
    region = _code(divisions[0]) if isinstance(divisions, list) and divisions else None
    return country, f"{country}-{region}" if country and region else None


def _code(record: object) -> str | None:
    code = record.get("iso_code") if isinstance(record, dict) else None
    return code if isinstance(code, str) and code else None
