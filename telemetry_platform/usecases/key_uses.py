"""Where pseudonyms under each key epoch are: in tables, dead letters, tombstones and the queue.

Two questions are answered with it: may a key be destroyed (nothing is left under it), and does every row say an epoch
that is known (a list of keys that was restored from an older backup than the rows would give the same number to another
key). Invariant: a store that does not answer raises; there is no count without a look.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.held_copies import copies
from telemetry_platform.contracts.key_lives import LIVES, epoch_columns
from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.contracts.rollup_registry import kept_tables
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import epochs_at_rest, holds, postgres, redis
from telemetry_platform.stores.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.keys import Epoch

_LETTERS = "privacy.dead_letters"
_TOMBSTONES = "privacy.tombstones"
_HELD = "privacy.hold_actors"


@dataclass(frozen=True)
class Use:
    """So many rows of one place are under one epoch."""

    where: str
    domain: Domain
    epoch: int
    rows: int

    def __str__(self) -> str:
        """For whoever has to mend it."""
        return f"{self.where}: {self.rows:,} under {self.domain.value} epoch {self.epoch}"


def in_tables(settings: Settings, *, log_comment: str) -> list[Use]:
    """Of every registered table."""
    found: list[Use] = []
    everywhere = (*kept_tables().values(), *copies().values())
    named = [(table, column, domain) for table in everywhere for column, domain in epoch_columns(table)]
    address = settings.postgres.read_url or settings.postgres.url
    with (
        open_warehouse(settings.clickhouse, log_comment=log_comment) as warehouse,
        postgres.connect(address.get_secret_value(), application="telemetry-keys") as conn,
    ):
        for table, column, domain in named:
            if table.store is Store.CLICKHOUSE:
                counts = epochs_at_rest.in_warehouse(warehouse, table.name, column)
            else:
                counts = epochs_at_rest.in_postgres(conn, table.name, column)
            found += [Use(table.name, domain, epoch, rows) for epoch, rows in counts.items()]
    return found


def on_the_way(settings: Settings) -> list[Use]:
    """Of dead letters, of tombstones and holds (which tie a person to a pseudonym until they end), and of the queue."""
    streams = {
        stream_name(kind.name, shard): kind.actor_domain
        for kind in kinds().values()
        for shard in range(settings.redis.shards)
    }
    with redis.connect(settings.redis) as client:
        waiting = epochs_at_rest.in_queue(client, list(streams))
    address = settings.postgres.read_url or settings.postgres.url
    with postgres.connect(address.get_secret_value(), application="telemetry-keys") as conn:
        letters = epochs_at_rest.in_dead_letters(conn)
        tombstones = epochs_at_rest.in_postgres(conn, _TOMBSTONES, "epoch")
        held = holds.epochs(conn)
    found = [Use(_LETTERS, domain, epoch, rows) for (kind, epoch), rows in letters.items() for domain in _domains(kind)]
    found += [Use(_TOMBSTONES, Domain.ACTOR, epoch, rows) for epoch, rows in tombstones.items()]
    found += [Use(_HELD, domain, epoch, rows) for (domain, epoch), rows in held.items()]
    found += [Use(stream, streams[stream], epoch, rows) for stream, of in waiting.items() for epoch, rows in of.items()]
    return found


def _domains(kind: str) -> tuple[Domain, ...]:
    """Whose epochs a letter of the kind may mean; of a kind that is gone, either."""
    known = kinds().get(kind)
    return (Domain.ACTOR, Domain.AUDIT_ACTOR) if known is None else (known.actor_domain,)


def rows_by_epoch(settings: Settings, *, log_comment: str) -> Mapping[Epoch, int]:
    """Everything that is left under each epoch.

    What is on its way is counted first, and in the order in which it moves: an entry that is drained meanwhile is
    counted twice, and never not at all.
    """
    counts: Counter[Epoch] = Counter()
    for use in (*on_the_way(settings), *in_tables(settings, log_comment=log_comment)):
        counts[use.domain, use.epoch] += use.rows
    return counts


def unknown(uses: Iterable[Use], known: Collection[Epoch]) -> list[Use]:
    """What is under an epoch that there is no key row of, destroyed or not."""
    return [use for use in uses if use.domain in LIVES and (use.domain, use.epoch) not in known]


def refuse_unknown(settings: Settings, known: Collection[Epoch], *, log_comment: str) -> None:
    """Raises PermanentError for rows of unknown epochs: a new key would get a number that rows have already."""
    found = unknown(in_tables(settings, log_comment=log_comment), known)
    if found:
        raise PermanentError(
            f"rows are under key epochs that privacy.key_epochs does not know ({'; '.join(map(str, found))}): the keys "
            "come from an older backup than the rows. Restore privacy.key_epochs and privacy.keks from a newer one"
        )
