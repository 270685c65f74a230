"""Sign what is in a partition of the trail, before retention drops it: verification walks over that afterwards.

Invariant: nothing is signed that was not verified: the partition's rows are walked, from the row before them on, and
must be one unbroken chain; and only an expired partition, by the clock and the policy of the database.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from telemetry_platform.contracts.audit_chain import BEGINNING, Anchor, Position
from telemetry_platform.contracts.events import audit
from telemetry_platform.errors import ContractViolationError, PermanentError
from telemetry_platform.processing.chain_walk import ChainRow, walk
from telemetry_platform.processing.checkpoints import is_signed_anchor, signed_anchor
from telemetry_platform.stores import trail_chain
from telemetry_platform.usecases.checkpoint_trail import open_folder, read_url
from telemetry_platform.usecases.trail_keys import load_signer, trusted_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.trail_partitions import Partition


def anchor(settings: Settings, conn: Connection, partition: Partition, now: datetime) -> Anchor | None:
    """Store the signed anchor of a partition, in the caller's transaction; None for an empty one, which needs none.

    `conn` is telemetry_retention's. An anchor that is there and says the same stays. Raises PermanentError when the
    partition's rows are not one unbroken chain or do not follow what is before them, ContractViolationError for another
    table's partition, ConfigurationError without a key.
    """
    if partition.table != audit.LOGS.name:
        raise ContractViolationError("only partitions of the audit trail have anchors")
    signer, known = load_signer(settings.audit), trail_chain.anchors(conn)
    with trail_chain.snapshot(read_url(settings)) as seen:
        found = _walked(seen, partition, known, now, lambda seq: trail_chain.row_at(conn, seq))
    if found is None:
        return None
    keys = trusted_keys(settings.audit, open_folder(settings))
    for one in known:
        if one.partition_name == found.partition_name:
            if not is_signed_anchor(one, keys) or replace(one, anchored_at=now, key_id="", signature=b"") != found:
                raise PermanentError(
                    f"{partition.name} has an anchor that does not say what it holds: nothing was signed"
                )
            return one
    made = signed_anchor(found, signer)
    trail_chain.store_anchor(conn, made)
    return made


def _walked(
    conn: Connection,
    partition: Partition,
    known: list[Anchor],
    now: datetime,
    place_of: Callable[[int], Position | None],
) -> Anchor | None:
    """What an anchor of the partition has to say. Raises PermanentError for a partition that is not whole."""
    # Closed before the connection is used for anything else: the server goes on sending until then.
    with closing(trail_chain.rows_between(conn, partition.begins, partition.ends)) as rows:
        first = next(rows, None)
        if first is None:
            return None
        # By another connection: this one is busy with the rows.
        before = _before(first.seq, known, place_of)
        walked = walk((ChainRow(*row) for row in chain((first,), rows)), {}, (), start=before)
    if walked.fault is not None:
        raise PermanentError(
            f"{partition.name} is not whole at {walked.fault.seq} ({walked.fault.reason}): it is not dropped; run "
            "`telemetry audit verify`"
        )
    return Anchor(
        partition_name=partition.name,
        begins=partition.begins,
        ends=partition.ends,
        first_seq=first.seq,
        last_seq=walked.end.seq,
        rows=walked.rows,
        prev_hash=before.row_hash,
        last_hash=walked.end.row_hash,
        anchored_at=now,
        key_id="",
    )


def _before(seq: int, known: list[Anchor], place_of: Callable[[int], Position | None]) -> Position:
    """The place before a row: the row there, the anchor that ends there, or the beginning."""
    if seq == 1:
        return BEGINNING
    for one in known:
        if one.last_seq == seq - 1:
            return Position(one.last_seq, one.last_hash)
    found = place_of(seq - 1)
    if found is None:
        raise PermanentError(f"the row {seq - 1} of the trail is missing: run `telemetry audit verify`")
    return found
