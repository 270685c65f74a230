"""The PostgreSQL driver: connections and pools that time out, name themselves, and never let a value out in an error.

Invariants: this is the only module that imports psycopg; every error leaves as a PlatformError that carries the
SQLSTATE and the constraint's name and nothing else of the server's message, because that message quotes rows
("Key (email)=(...) already exists"). An error state of our own (class TL, raised by our
functions, whose messages hold no values) keeps its message.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Composed, Identifier, Literal
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from telemetry_platform.errors import LeaseLostError, PermanentError, PlatformError, TransientError, UnreadyStoreError
from telemetry_platform.settings import PostgresSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = [
    "APPEND_ONLY",
    "HELD",
    "LEASE_LOST",
    "NOT_EXPIRED",
    "OUT_OF_ORDER",
    "SQL",
    "AsyncConnection",
    "Composed",
    "Connection",
    "Identifier",
    "Literal",
    "async_pool",
    "connect",
    "lent",
    "lent_async",
    "pool",
]

LEASE_LOST = "TL001"
"""SQLSTATE that our functions raise when the fencing number is not the lease's."""
APPEND_ONLY = "TL002"
"""SQLSTATE of the triggers that keep append-only tables so."""
OUT_OF_ORDER = "TL003"
"""SQLSTATE of `audit.append` when a batch or its rows are not what the trail expects next."""

NOT_EXPIRED = "TL004"
"""SQLSTATE of the functions that drop partitions, for one that may not go."""
HELD = "TL005"
"""SQLSTATE of the same, for one that a legal hold keeps."""

_OWN_CLASS = "TL"
# Classes of SQLSTATE after which the same statement may succeed: connection, rollback (deadlock, serialisation),
# resources, object in use (lock timeout), operator intervention (shutdown, statement timeout).
_TRANSIENT_CLASSES = frozenset({"08", "40", "53", "55", "57"})
# No table, column, function or right of that name; no such schema or database; no login.
_UNREADY_CLASSES = frozenset({"28", "3D", "3F", "42"})
_IDLE_TRANSACTION_ENDED = "25P03"
# What libpq says of a refusal that has no SQLSTATE; trying again does not help.
_REFUSALS = ("password authentication failed", "does not support SSL", "no pg_hba.conf entry", "certificate")

_TIMEOUTS_MS = {"statement_timeout": 60_000, "lock_timeout": 10_000, "idle_in_transaction_session_timeout": 60_000}
_DEFAULTS = {
    "connect_timeout": "5",
    # A server that vanished without a word is noticed within seconds, not after the kernel's quarter of an hour.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


def platform_error(error: psycopg.Error) -> PlatformError:
    """The platform's own error for one of the driver's: its state and constraint, never its text."""
    state = error.sqlstate
    if state is None:
        return _without_state(error)
    if state.startswith(_OWN_CLASS):
        message = error.diag.message_primary or f"PostgreSQL refused the statement (SQLSTATE {state})"
        return LeaseLostError(message) if state == LEASE_LOST else PermanentError(message)
    where = f", constraint {error.diag.constraint_name}" if error.diag.constraint_name else ""
    if state[:2] in _TRANSIENT_CLASSES or state == _IDLE_TRANSACTION_ENDED:
        return TransientError(f"PostgreSQL could not finish (SQLSTATE {state}{where}): try again")
    if state[:2] in _UNREADY_CLASSES:
        return UnreadyStoreError(
            f"PostgreSQL lacks what the statement needs (SQLSTATE {state}{where}): run `telemetry schema apply`, then "
            "try again"
        )
    return PermanentError(
        f"PostgreSQL refused the statement (SQLSTATE {state}{where}): trying again gives the same; "
        "look the state up in PostgreSQL's appendix A"
    )


def _without_state(error: psycopg.Error) -> PlatformError:
    """An error of the client library: no connection, a refusal while connecting, a misuse of the driver."""
    if any(refusal in str(error) for refusal in _REFUSALS):
        return PermanentError(
            "PostgreSQL refused the connection: check user, password and sslmode in TELEMETRY_POSTGRES__URL "
            "(or TELEMETRY_POSTGRES__OWNER_URL)"
        )
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return TransientError(
            "PostgreSQL does not answer, or the connection was lost: check that it runs at the address "
            "in TELEMETRY_POSTGRES__URL, then try again"
        )
    return PermanentError(f"the PostgreSQL driver refused the statement ({type(error).__name__})")


@contextmanager
def _own_errors() -> Iterator[None]:
    """Whatever the driver raises in the block leaves as a PlatformError; `from None` hides the server's text."""
    try:
        yield
    except psycopg.Error as error:
        raise platform_error(error) from None


class Cursor(psycopg.Cursor[Any]):
    """A cursor whose errors are the platform's."""

    def execute(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the driver's own signature, passed through
        """Run one statement."""
        with _own_errors():
            return super().execute(*args, **kwargs)

    def executemany(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Run one statement for many rows."""
        with _own_errors():
            super().executemany(*args, **kwargs)

    @contextmanager
    def copy(self, *args: Any, **kwargs: Any) -> Iterator[psycopg.Copy]:  # noqa: ANN401 - as above
        """COPY rows in or out."""
        with _own_errors(), super().copy(*args, **kwargs) as copy:
            yield copy


class Connection(psycopg.Connection[Any]):
    """A connection whose errors are the platform's; as a context manager it commits, or rolls back on an error."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the driver's own signature
        super().__init__(*args, **kwargs)
        self.cursor_factory = Cursor

    def scram_verifier(self, role: str, password: str) -> str:
        """What the server keeps of a password, made here: the password itself never travels or reaches its log."""
        return self.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()

    def commit(self) -> None:
        """Commit; deferred constraints are checked here."""
        with _own_errors():
            super().commit()

    def rollback(self) -> None:
        """Roll back."""
        with _own_errors():
            super().rollback()

    @contextmanager
    def transaction(self, *args: Any, **kwargs: Any) -> Iterator[psycopg.Transaction]:  # noqa: ANN401 - as above
        """A transaction, or a savepoint within one."""
        with _own_errors(), super().transaction(*args, **kwargs) as transaction:
            yield transaction

    @contextmanager
    def pipeline(self) -> Iterator[psycopg.Pipeline]:
        """Send statements without waiting for each answer."""
        with _own_errors(), super().pipeline() as pipeline:
            yield pipeline


class AsyncCursor(psycopg.AsyncCursor[Any]):
    """An async cursor whose errors are the platform's."""

    async def execute(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the driver's own signature
        """Run one statement."""
        with _own_errors():
            return await super().execute(*args, **kwargs)

    async def executemany(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Run one statement for many rows."""
        with _own_errors():
            await super().executemany(*args, **kwargs)


class AsyncConnection(psycopg.AsyncConnection[Any]):
    """An async connection whose errors are the platform's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the driver's own signature
        super().__init__(*args, **kwargs)
        self.cursor_factory = AsyncCursor

    async def commit(self) -> None:
        """Commit; deferred constraints are checked here."""
        with _own_errors():
            await super().commit()

    @asynccontextmanager
    async def transaction(self, *args: Any, **kwargs: Any) -> AsyncIterator[psycopg.AsyncTransaction]:  # noqa: ANN401 - as above
        """A transaction, or a savepoint within one."""
        with _own_errors():
            async with super().transaction(*args, **kwargs) as transaction:
                yield transaction


def _address(target: PostgresSettings | str, application: str) -> str:
    """The connection string with our defaults; what the URL says itself wins."""
    url = target.url.get_secret_value() if isinstance(target, PostgresSettings) else target
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise PermanentError(
            "the PostgreSQL address cannot be read: write TELEMETRY_POSTGRES__URL (or "
            "TELEMETRY_POSTGRES__OWNER_URL) as postgresql://user:password@host:port/database?sslmode=verify-full"
        ) from None
    options = " ".join(f"-c {name}={value}" for name, value in (*_TIMEOUTS_MS.items(), ("timezone", "UTC")))
    defaults = {**_DEFAULTS, "application_name": application, "options": options}
    return make_conninfo(**(defaults | {name: str(value) for name, value in given.items() if value is not None}))


def connect(target: PostgresSettings | str, *, application: str = "telemetry", autocommit: bool = False) -> Connection:
    """One connection. Raises TransientError when the server does not answer, PermanentError when it refuses."""
    with _own_errors():
        return Connection.connect(_address(target, application), autocommit=autocommit)


def pool(settings: PostgresSettings, *, application: str = "telemetry") -> ConnectionPool[Connection]:
    """A pool, not yet open: use it as a context manager. A connection that broke is replaced before it is lent."""
    return ConnectionPool(
        _address(settings, application),
        connection_class=Connection,
        min_size=1,
        max_size=settings.pool_size,
        check=ConnectionPool.check_connection,
        timeout=10.0,
        open=False,
    )


def async_pool(
    settings: PostgresSettings, *, application: str = "telemetry-api"
) -> AsyncConnectionPool[AsyncConnection]:
    """The same for the API: open it inside the event loop (`async with`)."""
    return AsyncConnectionPool(
        _address(settings, application),
        connection_class=AsyncConnection,
        min_size=1,
        max_size=settings.pool_size,
        check=AsyncConnectionPool.check_connection,
        timeout=10.0,
        open=False,
    )


@contextmanager
def lent(connections: ConnectionPool[Connection]) -> Iterator[Connection]:
    """A connection of the pool for the block, in a transaction of its own."""
    with _own_errors(), connections.connection() as connection:
        yield connection


@asynccontextmanager
async def lent_async(connections: AsyncConnectionPool[AsyncConnection]) -> AsyncIterator[AsyncConnection]:
    """A connection of the async pool for the block, in a transaction of its own."""
    with _own_errors():
        async with connections.connection() as connection:
            yield connection
