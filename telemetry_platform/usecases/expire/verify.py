"""Whether the chain of retention runs is whole: none edited, none missing, none put in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.processing.retention_chain import first_fault
from telemetry_platform.stores import expiry_proof

if TYPE_CHECKING:
    from telemetry_platform.stores.postgres import Connection


def verify_runs(conn: Connection) -> str | None:
    """What is wrong with the chain, and where; None for a whole one. One state of it, whoever writes meanwhile."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return first_fault(expiry_proof.chain(conn), expiry_proof.chain_state(conn))
