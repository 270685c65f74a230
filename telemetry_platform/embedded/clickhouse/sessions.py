"""Sessions: a connection that outlives its request, so that SET, USE and temporary tables last.

Invariant: settings in a URL belong to that request alone, in a session too, although the engine knows only SET, which
stays. So a session remembers what URLs have set and puts the earlier value back before a request that does not name it.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from telemetry_platform.embedded.clickhouse.engine import OWN_SETTINGS, Connection, Engine, assignments, quoted
from telemetry_platform.embedded.clickhouse.failures import (
    SESSION_IS_LOCKED,
    SESSION_NOT_FOUND,
    QueryFailure,
    failure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_MAX_SECONDS: Final = 3600.0


@dataclass
class Session:
    """A connection with what its requests' URLs have changed."""

    connection: Connection
    ends_at: float
    busy: threading.Lock = field(default_factory=threading.Lock)
    applied: dict[str, str] = field(default_factory=dict)
    earlier: dict[str, str | None] = field(default_factory=dict)
    own_database: str = "default"
    elsewhere: bool = False

    def use_database(self, database: str) -> None:
        """Go to the database that the URL names for this request, else back to the session's own."""
        if database or self.elsewhere:
            self.connection.run(f"USE `{(database or self.own_database).replace('`', '``')}`")
            self.elsewhere = bool(database)

    def remember_database(self) -> None:
        """A USE statement has just decided where the session lives."""
        self.own_database = self.connection.run("SELECT currentDatabase() FORMAT TSVRaw").bytes().decode().strip()
        self.elsewhere = False

    def apply(self, settings: Mapping[str, str]) -> None:
        """Bring the connection to the given URL settings over what SET statements have left."""
        new = [name for name in settings if name not in self.earlier and name not in OWN_SETTINGS]
        if new:
            names = ", ".join(quoted(name) for name in new)
            sql = f"SELECT name, value, changed FROM system.settings WHERE name IN ({names}) FORMAT JSONCompactEachRow"  # noqa: S608 - quoted
            rows = self.connection.run(sql).bytes()
            known = {name: value if changed else None for name, value, changed in map(json.loads, rows.splitlines())}
            self.earlier.update({name: known.get(name) for name in new})
        for name in [name for name in self.applied if name not in settings and name not in OWN_SETTINGS]:
            self._put_back(name)
        fresh = {name: value for name, value in settings.items() if self.applied.get(name) != value}
        if not fresh:
            return
        try:
            self.connection.run(f"SET {assignments(fresh)}")
        except QueryFailure:
            # One unknown name fails the whole SET, of which a part may hold: none of it may stay in the session.
            for name in fresh.keys() - OWN_SETTINGS:
                with suppress(QueryFailure):
                    self._put_back(name)
            raise
        self.applied.update(fresh)

    def _put_back(self, name: str) -> None:
        """Give a setting the value that it had before a URL named it."""
        self.applied.pop(name, None)
        value = self.earlier.pop(name)
        self.connection.run(f"SET {name} = DEFAULT" if value is None else f"SET {name} = {quoted(value)}")


class Sessions:
    """All sessions of the process, by their id."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    @contextmanager
    def use(self, name: str, *, seconds: float, must_exist: bool) -> Iterator[Session]:
        """Hold a session for one request; a second request at the same time is refused, as by the real server."""
        now = self._clock()
        with self._lock:
            self._expire(now)
            session = self._sessions.get(name)
            if session is None:
                if must_exist:
                    raise failure(SESSION_NOT_FOUND, "Session not found or expired; leave session_check out.")
                session = self._sessions[name] = Session(self._engine.connect(), now)
            if not session.busy.acquire(blocking=False):
                raise failure(SESSION_IS_LOCKED, "Session is locked by a concurrent client; use one session a thread.")
        try:
            yield session
        finally:
            session.ends_at = self._clock() + min(seconds, _MAX_SECONDS)
            session.busy.release()

    def _expire(self, now: float) -> None:
        """Close sessions that nobody used in time."""
        for name, session in list(self._sessions.items()):
            if now >= session.ends_at and not session.busy.locked():
                del self._sessions[name]
                session.connection.close()

    def close(self) -> None:
        """Close every session."""
        with self._lock:
            for session in self._sessions.values():
                session.connection.close()
            self._sessions.clear()
