"""Keys of what clients name themselves (sessions, events): the id they chose, in the tenant whose token they hold.

Invariant: an id that a client chose is unique within its tenant only; whoever looks for one asks with its key, or finds
another tenant's. A key is text: the id's 36 characters, then the tenant's bytes in hex, so that it holds hex digits
and dashes only and can stand in a statement. The SQL reads it back in `tenant_keys.sql`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

Keys: TypeAlias = "Iterable[str] | pa.Array | pa.ChunkedArray"
KEY_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}([0-9A-F]{2})*$"


def tenant_key(org_id: str, chosen_id: UUID | str) -> str:
    """The key of one thing."""
    return f"{chosen_id}{_in_hex(org_id)}"


def tenant_keys(rows: pa.Table, column: str) -> pa.Array:
    """The key of each row: of the id in `column` (text) and the row's org_id."""
    tenants = rows["org_id"].combine_chunks().dictionary_encode()
    in_hex = pa.array([_in_hex(org_id) for org_id in tenants.dictionary.to_pylist()], pa.string())
    return pc.binary_join_element_wise(rows[column].combine_chunks(), in_hex.take(tenants.indices), "")


def _in_hex(org_id: str) -> str:
    """As ClickHouse's `hex` writes it: keys that it makes must equal ours."""
    return org_id.encode().hex().upper()
