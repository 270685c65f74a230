"""The key list that a process works with: read when it starts, read again every minute, too old after ten.

Invariants: an epoch is inserted at least ten minutes before it is active, so a list that is younger than that names the
right epoch; with an older one nobody may hash. A database that `check` refuses gives no list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.errors import StaleKeysError
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.ensure_keys import load_key_ring

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import KeySettings, PostgresSettings
    from telemetry_platform.stores.postgres import Connection


class KeyList:
    """The newest ring and its age; `clock` gives seconds that never go back."""

    def __init__(
        self,
        database: PostgresSettings,
        settings: KeySettings,
        clock: Callable[[], float],
        check: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._check = check
        self._read_at: float | None = None
        self._ring: KeyRing | None = None

    def refresh(self) -> None:
        """Read the list. Blocks: call it in a thread. Raises PlatformError and keeps the list that it has."""
        began = self._clock()
        with postgres.connect(self._database, application="telemetry-api-keys") as connection:
            self._check(connection)
            ring = load_key_ring(connection, self._settings)
        if ring != self._ring:  # an equal ring is not exchanged: its caches are warm
            self._ring = ring
        self._read_at = began

    def age(self) -> float | None:
        """Seconds since the list was read; None when it never was."""
        return None if self._read_at is None else self._clock() - self._read_at

    def ring(self) -> KeyRing:
        """The keys. Raises StaleKeysError when the list is too old to say which epoch is active."""
        age = self.age()
        if self._ring is None or age is None or age > self._settings.max_age_seconds:
            raise StaleKeysError("the key list is too old: PostgreSQL has not answered; try again when it does")
        return self._ring
