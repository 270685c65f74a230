"""Holding the lease: a thread renews it, and whoever commits, inserts or acknowledges asks here first.

Invariant: a drain that could not renew in time stops by itself, also when it cannot reach PostgreSQL to be told so.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from telemetry_platform.errors import LeaseLostError, TransientError
from telemetry_platform.stores import lease as leases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.settings import DrainSettings
    from telemetry_platform.stores.lease import Lease
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.drain.stores import DrainStores

_POLL_SECONDS = 0.25


class HeldLease:
    """A lease of ours, until it is lost."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self._lost = threading.Event()

    @property
    def fencing(self) -> int:
        """The number that everything of this drain is committed under."""
        return self.lease.fencing

    def lose(self) -> None:
        """From now on every check fails."""
        self._lost.set()

    def check(self, conn: Connection) -> None:
        """Inside a transaction: nobody can take over before it ends. Outside: it is ours right now.

        Raises LeaseLostError.
        """
        if self._lost.is_set():
            raise LeaseLostError("the lease could not be renewed in time: the next drain goes on from the last batch")
        leases.hold(conn, self.lease)


@contextmanager
def held(
    stores: DrainStores, settings: DrainSettings, *, holder: str, run_id: str, wait_seconds: float
) -> Iterator[HeldLease]:
    """The lease for the block. Raises LeaseLostError when somebody else keeps it for longer than `wait_seconds`."""
    with stores.postgres() as conn:
        mine = HeldLease(_acquire(conn, settings, holder=holder, run_id=run_id, wait_seconds=wait_seconds))
        done = threading.Event()
        renewer = threading.Thread(
            target=_renew, args=(stores.postgres, mine, settings, done), name="drain-lease", daemon=True
        )
        renewer.start()
        try:
            yield mine
        finally:
            done.set()
            renewer.join()
            try:
                leases.release(conn, mine.lease)
            except TransientError:
                # It expires by itself; the error that ended the block matters more.
                mine.lose()


def _acquire(conn: Connection, settings: DrainSettings, *, holder: str, run_id: str, wait_seconds: float) -> Lease:
    waiting = threading.Event()
    waited = 0.0
    while True:
        lease = leases.acquire(conn, leases.DRAIN, holder=holder, run_id=run_id, seconds=settings.lease_seconds)
        if lease is not None:
            return lease
        if waited >= wait_seconds:
            raise LeaseLostError(
                "another drain holds the lease: let it work, or wait until its lease has expired "
                f"({settings.lease_seconds:g} s after its last sign of life)"
            )
        waiting.wait(_POLL_SECONDS)
        waited += _POLL_SECONDS


def _renew(connect: Callable[[], Connection], mine: HeldLease, settings: DrainSettings, done: threading.Event) -> None:
    """Renew until the drain is done; give up once the lease must have expired."""
    conn: Connection | None = None
    renewed = time.monotonic()
    while not done.wait(settings.renew_seconds):
        asked = time.monotonic()
        try:
            conn = conn or connect()
            if not leases.renew(conn, mine.lease, seconds=settings.lease_seconds):
                break
            renewed = asked
        except TransientError:
            conn = None
            if time.monotonic() + settings.renew_seconds - renewed >= settings.lease_seconds:
                break
    if conn is not None:
        conn.close()
    if not done.is_set():
        mine.lose()
