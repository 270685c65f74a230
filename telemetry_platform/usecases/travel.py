"""Move the clock of a demo, to show months of retention in a minute; audited, and refused on any real database.

Invariants: what a database is was decided when it was made, and it refuses by itself; both databases move or the
command fails and may be repeated; a server of ClickHouse that others' platforms live in is left alone, since its clock
is one for all of its databases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from telemetry_platform.contracts.own_actions import CLOCK_TRAVELLED
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.stores import clock
from telemetry_platform.usecases.own_actions import SYSTEM, ActedBy, record

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

MOVES = (
    "what retention deletes, in both databases, and which partitions of the trail it may drop",
    "the checks of retention, and what the views of ClickHouse hide as expired",
)
STAYS = (
    "when events are received and recorded, which keys are active, and how long tokens are valid",
    "the TTL of ClickHouse's tables: merges go by the machine's clock",
)


class Travelled(NamedTuple):
    """What the clock tells now, how far that is ahead of the real one, and the views that were made anew."""

    now: datetime
    ahead: timedelta
    views: tuple[str, ...]


def travel(  # noqa: PLR0913 - both databases, where to, and by whom
    conn: Connection,
    warehouse: Warehouse,
    ring: KeyRing,
    moment: datetime | None,
    now: datetime,
    *,
    by: ActedBy = SYSTEM,
) -> Travelled:
    """Go to a moment ahead, or back to the real time (None); `now` is the real one, `conn` commits by itself.

    Raises PermanentError on a database that was not made as a demo and for a moment that has passed, ConfigurationError
    where the clock would be that of another platform too.
    """
    with conn.transaction():
        ahead = clock.travel(conn, moment)
        if int(warehouse.rows("count_other_platforms")[0][0]):
            raise ConfigurationError(
                "other platforms live on this ClickHouse server, and its clock is theirs too: travel on a server of "
                "its own, e.g. with `make demo`"
            )
        details = {"to": "the real time" if moment is None else moment.isoformat(), "days_ahead": ahead.days}
        record(conn, ring, CLOCK_TRAVELLED, now, by=by, details=details)
        views = clock.move_warehouse(warehouse, ahead)
        return Travelled(clock.platform_now(conn), ahead, views)
