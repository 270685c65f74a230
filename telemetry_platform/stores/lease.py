"""The lease: who may drain. A holder that dies simply stops renewing; the next one gets a higher fencing number.

Invariants: time is PostgreSQL's alone, since two machines whose clocks disagree would both believe that they hold it.
`hold` inside a transaction keeps the lease row locked until the commit: nobody can take over in between, so whatever
commits was committed by the holder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform.errors import LeaseLostError

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.stores.postgres import Connection

DRAIN = "drain"
"""The lease of the landing queue."""


@dataclass(frozen=True)
class Lease:
    """A lease as it was when it was read."""

    name: str
    holder: str
    run_id: str
    fencing: int
    acquired_at: datetime
    renewed_at: datetime
    expires_at: datetime


def acquire(conn: Connection, name: str, *, holder: str, run_id: str, seconds: float) -> Lease | None:
    """Take the lease if nobody holds it; None when somebody does."""
    with conn.transaction():
        row = conn.execute(
            "INSERT INTO ingest.leases AS held (name, holder, run_id, fencing, acquired_at, renewed_at, expires_at) "
            "VALUES (%(name)s, %(holder)s, %(run_id)s, 1, clock_timestamp(), clock_timestamp(), "
            "clock_timestamp() + make_interval(secs => %(seconds)s)) "
            "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, run_id = excluded.run_id, "
            "fencing = held.fencing + 1, acquired_at = excluded.acquired_at, renewed_at = excluded.renewed_at, "
            "expires_at = excluded.expires_at WHERE held.expires_at <= clock_timestamp() "
            "RETURNING name, holder, run_id, fencing, acquired_at, renewed_at, expires_at",
            {"name": name, "holder": holder, "run_id": run_id, "seconds": seconds},
        ).fetchone()
    return Lease(*row) if row else None


def renew(conn: Connection, lease: Lease, *, seconds: float) -> bool:
    """Put the end off; False when another holder has taken over. One that expired untaken may still be renewed."""
    with conn.transaction():
        return (
            conn.execute(
                "UPDATE ingest.leases SET renewed_at = clock_timestamp(), "
                "expires_at = clock_timestamp() + make_interval(secs => %s) WHERE name = %s AND fencing = %s",
                (seconds, lease.name, lease.fencing),
            ).rowcount
            == 1
        )


def release(conn: Connection, lease: Lease) -> None:
    """Let the next drain begin at once."""
    with conn.transaction():
        conn.execute(
            "UPDATE ingest.leases SET expires_at = clock_timestamp() WHERE name = %s AND fencing = %s",
            (lease.name, lease.fencing),
        )


def hold(conn: Connection, lease: Lease) -> None:
    """Keep the lease until the end of the transaction; raises LeaseLostError when it is not ours any more."""
    held = conn.execute(
        "SELECT 1 FROM ingest.leases WHERE name = %s AND fencing = %s AND expires_at > clock_timestamp() FOR SHARE",
        (lease.name, lease.fencing),
    ).fetchone()
    if held is None:
        raise LeaseLostError(
            "another drain holds the lease, or this one could not renew it in time: nothing more is stored or "
            "acknowledged here; the next drain goes on from the last batch"
        )


def current(conn: Connection, name: str) -> Lease | None:
    """The lease that somebody holds right now, for the sensor and for health."""
    row = conn.execute(
        "SELECT name, holder, run_id, fencing, acquired_at, renewed_at, expires_at "
        "FROM ingest.leases WHERE name = %s AND expires_at > clock_timestamp()",
        (name,),
    ).fetchone()
    return Lease(*row) if row else None


def latest(conn: Connection, name: str) -> tuple[Lease, float] | None:
    """The lease as it was last held, and for how many seconds it has been free (negative while somebody holds it)."""
    row = conn.execute(
        "SELECT name, holder, run_id, fencing, acquired_at, renewed_at, expires_at, "
        "extract(epoch FROM clock_timestamp() - expires_at)::float8 FROM ingest.leases WHERE name = %s",
        (name,),
    ).fetchone()
    return (Lease(*row[:-1]), float(row[-1])) if row else None
