"""How long the keys of each rotating domain are used, and when they may be destroyed. The other domains have one key.

Invariant: an epoch is destroyed only after every session that began under it, and every late event of one, has come in.
The database holds destruction to the same terms by its own clock (`privacy.rewrap_keys`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from telemetry_platform.contracts.columns import KEY_EPOCH
from telemetry_platform.contracts.pii import Domain, Hashed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from telemetry_platform.contracts.event_kind import Table

PINNED = timedelta(hours=48)
"""How long a session may go on under the epoch that it began with, after the epoch has closed."""
LATE = timedelta(days=7)
"""How late an event may come."""


@dataclass(frozen=True)
class KeyLife:
    """New pseudonyms use a key for `amount` `unit`; it may be destroyed `kept` after that.

    `with_its_rows`: only once no row under it is left, since an erasure must reach the rows that there are.
    """

    amount: int
    unit: Literal["day", "year"]
    kept: timedelta
    with_its_rows: bool
    why: str

    def end(self, active_from: datetime) -> datetime:
        """When an epoch that began then is due to end. A year is a calendar year."""
        if self.unit == "day":
            return active_from + timedelta(days=self.amount)
        try:
            return active_from.replace(year=active_from.year + self.amount)
        except ValueError:  # the 29th of February
            return active_from.replace(year=active_from.year + self.amount, month=3, day=1)


LIVES: Mapping[Domain, KeyLife] = {
    Domain.ACTOR: KeyLife(
        30,
        "day",
        PINNED + LATE,
        with_its_rows=True,
        why="nobody is followed through event rows for longer; kept while rows can still be erased by it",
    ),
    Domain.AUDIT_ACTOR: KeyLife(
        1,
        "year",
        timedelta(days=6 * 365 + 3),
        with_its_rows=True,
        why="the trail must answer who did what for as long as it is kept, six years at least",
    ),
    Domain.ADDRESS: KeyLife(
        30,
        "day",
        timedelta(days=90),
        with_its_rows=False,
        why="attacks are correlated over weeks; after that an address is nobody's business, whatever rows there are",
    ),
}

ADDRESS_KEY_EPOCH = "address_key_epoch"


def epoch_columns(table: Table) -> tuple[tuple[str, Domain], ...]:
    """The columns of a table that say an epoch, and of which domain: one for each rotating domain that it holds."""
    domains = {column.treatment.domain: None for column in table.columns if isinstance(column.treatment, Hashed)}
    return tuple(
        (ADDRESS_KEY_EPOCH if domain is Domain.ADDRESS else KEY_EPOCH.name, domain)
        for domain in domains
        if domain in LIVES
    )


def holds_addresses(table: Table) -> bool:
    """Whether rows of the table carry pseudonyms of full addresses."""
    return any(domain is Domain.ADDRESS for _, domain in epoch_columns(table))
