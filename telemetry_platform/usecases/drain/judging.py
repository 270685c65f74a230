"""When entries are put aside and when the run stops instead: a few bad ones are theirs, most of them is ours.

Invariant: judged before anything of the batch is stored or acknowledged, so that a run that stops has lost nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from telemetry_platform.contracts.key_lives import PINNED, holds_addresses
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.processing.batches import Decoded, decode
from telemetry_platform.stores import ingest_ledger
from telemetry_platform.stores.keys import known_epochs
from telemetry_platform.usecases.drain.desk import Desk, TooManyInvalidError, Work
from telemetry_platform.usecases.drain.sparing import spare_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry_platform.processing.batches import DeadEntry

_WINDOW_ENTRIES = 1_000


def decode_and_judge(desk: Desk, work: Work) -> Decoded:
    """The batch as rows, without those of erased persons.

    Raises TooManyInvalidError when more of it is invalid than chance explains: that is looked at first.
    """
    closing = known_epochs(desk.conn, work.kind.actor_domain)
    epochs = {
        epoch: None if closed is None else int((closed + PINNED).timestamp() * 1000)
        for epoch, closed in closing.items()
    }
    addresses = known_epochs(desk.conn, Domain.ADDRESS) if holds_addresses(work.kind.table) else ()
    decoded = decode(work.kind, work.entries, epochs, frozenset(addresses))
    judge(desk, work, decoded.dead)
    return spare_rows(desk, work, decoded)


def _most(dead: Sequence[DeadEntry]) -> str:
    """The most frequent reasons with their columns: names, as letters have them, and no values."""
    found = Counter(f"{entry.reason.value} ({entry.detail})" for entry in dead)
    return ", ".join(f"{count} x {why}" for why, count in found.most_common(3))


def _strangers(work: Work) -> frozenset[int]:
    """Places of entries that came without a token: nobody who needs none may stop a run by what he sends."""
    endpoint = work.kind.endpoint
    if endpoint is None or not endpoint.anonymous:
        return frozenset()
    return frozenset(place for place, actor in enumerate(work.entries.columns["actor_hash"]) if not actor)


def judge(desk: Desk, work: Work, dead: Sequence[DeadEntry]) -> None:
    """Raises TooManyInvalidError when the `dead` entries of the batch, with those shortly before, are too many."""
    strangers = _strangers(work)
    invalid = sum(entry.position not in strangers for entry in dead)
    if not invalid:
        return
    entries, batch = len(work.entries) - len(strangers), work.batch
    if entries < desk.settings.invalid_min_entries:
        before, aside = (
            ingest_ledger.family(desk.conn, batch)
            if batch.root_id != batch.batch_id
            else ingest_ledger.recent(desk.conn, batch.stream, entries=_WINDOW_ENTRIES - entries)
        )
        entries, invalid = entries + before, invalid + aside
    if entries >= desk.settings.invalid_min_entries and invalid > entries * desk.settings.invalid_ratio:
        raise TooManyInvalidError(
            f"{invalid} of the last {entries} entries of {batch.stream} cannot be stored (here {_most(dead)}): "
            f"nothing of batch {batch.batch_id} is acknowledged. Compare the API's release with the drain's, and the "
            "schema with both (`telemetry schema status`); the queue keeps everything meanwhile"
        )
