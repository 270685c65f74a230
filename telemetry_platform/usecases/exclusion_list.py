"""The exclusion list as an API process holds it: in memory, renewed within seconds of a sync, with a copy on disk.

Invariants: no request asks PostgreSQL; a list that was once loaded excludes until a newer one takes its place, however
long PostgreSQL is away; until then nobody can say who is excluded, and whoever asks is told so instead of "no".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.errors import PlatformError, TransientError
from telemetry_platform.processing.exclusions import of_texts
from telemetry_platform.stores import exclusions, postgres
from telemetry_platform.stores.exclusion_copy import read_copy, write_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg_pool import ConnectionPool

    from telemetry_platform.processing.address import Address
    from telemetry_platform.processing.exclusions import ExclusionList
    from telemetry_platform.settings import ExclusionSettings
    from telemetry_platform.stores.postgres import Connection


class ExclusionHolder:
    """The newest list that this process has seen.

    `clock` gives seconds that never go back; `say` is told of a copy that cannot be used.
    """

    def __init__(
        self,
        pool: ConnectionPool[Connection],
        settings: ExclusionSettings,
        clock: Callable[[], float],
        say: Callable[[PlatformError], None],
    ) -> None:
        self._pool = pool
        self._file = settings.copy_file
        self._clock = clock
        self._say = say
        self._list: ExclusionList | None = None
        self._version = ""
        self._looked_at: float | None = None
        self.count = 0
        """Networks in the list."""

    @property
    def is_loaded(self) -> bool:
        """Whether it can be said who is excluded."""
        return self._list is not None

    def check(self) -> ExclusionList:
        """The list. Raises TransientError before one was loaded."""
        if self._list is None:
            raise TransientError("no exclusion list was loaded yet: run `telemetry exclusions sync --full`")
        return self._list

    def contains(self, address: Address) -> bool:
        """Whether the address lies in an excluded network. Raises TransientError before a list was loaded."""
        return self.check().contains(address)

    def age(self) -> float | None:
        """Seconds since PostgreSQL was last asked for a newer list; None before the first answer."""
        return None if self._looked_at is None else self._clock() - self._looked_at

    def take_copy(self) -> None:
        """Begin with the copy on disk, where there is one. Blocks: call it in a thread."""
        if self._file is None or self._list is not None:
            return
        try:
            found = read_copy(self._file)
            if found is not None:
                self._take(found.version, found.networks)
        except PlatformError as error:
            self._say(error)

    def refresh(self) -> None:
        """Take over a newer list. Blocks: call it in a thread. Raises PlatformError and keeps the list that it has."""
        began = self._clock()
        with postgres.lent(self._pool) as connection:
            version = exclusions.version(connection)
            is_newer = version is not None and version != self._version
            networks = exclusions.active_networks(connection) if is_newer else []
        if version is not None and is_newer:
            self._take(version, networks)
            self._copy(version, networks)
        self._looked_at = began

    def _copy(self, version: str, networks: Sequence[str]) -> None:
        """Keep a copy; a full disk takes nothing from the list in memory."""
        if self._file is None:
            return
        try:
            write_copy(self._file, version, networks)
        except PlatformError as error:
            self._say(error)

    def _take(self, version: str, networks: Sequence[str]) -> None:
        self._list = of_texts(networks)
        self._version, self.count = version, len(networks)
