"""Whether rows were taken at the level that their type needs, for kinds whose types need different ones.

Invariant: the answer looks at the row alone, so that it is the same on every try of its batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind


def is_agreed(kind: EventKind, rows: pa.Table) -> pa.Array | pa.ChunkedArray:
    """For each row with `consent_level` and the kind's discriminator whether its level suffices."""
    good: pa.Array | pa.ChunkedArray = pa.repeat(pa.scalar(True), rows.num_rows)
    if kind.discriminator is None:
        return good
    for event, needed in kind.consent_of.items():
        is_low = pc.less(rows["consent_level"], needed.value)
        good = pc.and_not(good, pc.and_(pc.equal(rows[kind.discriminator], event), is_low))
    return good
