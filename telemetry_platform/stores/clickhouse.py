"""The ClickHouse driver: one client over HTTP whose every statement names itself and whose errors hold no values.

Invariants: this is the only module that imports clickhouse_connect; every statement carries a `log_comment`; every
error leaves as a PlatformError with ClickHouse's code and nothing else of its message, because that message quotes the
statement and the data. A server whose connection was lost may have done what it was asked: only a deduplication token
or a read-back makes trying again safe.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError, Error, OperationalError
from clickhouse_connect.driver.external import ExternalData

from telemetry_platform.errors import (
    ConfigurationError,
    PermanentError,
    PlatformError,
    SlowStatementError,
    TransientError,
    UnreadyStoreError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from clickhouse_connect.driver.client import Client as Driver

    from telemetry_platform.settings import ClickHouseSettings

Parameters = dict[str, Any]
"""Server-side parameters: `{name:Type}` in the statement."""

# Codes after which the same statement may succeed: time-outs and lost connections (3, 159, 209, 210, 1000), too much
# at once (202, 241, 252, 439), a killed or aborted query (236, 394), replicas or their keeper away (225, 242, 285, 319,
# 999), a disk that is full until merges are done (243).
_TRANSIENT = frozenset({3, 159, 202, 209, 210, 225, 236, 241, 242, 243, 252, 285, 319, 394, 439, 999, 1000})
# No column, function, identifier, table, database, setting or right of that name, or a statement it cannot read: the
# server is of another release than we are.
_UNREADY = frozenset({16, 46, 47, 60, 62, 81, 115, 497})
# A statement that took as long as its `max_execution_time`, or that would.
_SLOW = frozenset({159, 160})
_BLOCK_BYTES = 4 * 1024 * 1024
_REFUSED_LOGIN = frozenset({192, 193, 194, 516})
_DEFAULTS: dict[str, Any] = {
    # Acknowledged entries leave the queue: an insert must have happened when it is answered.
    "async_insert": 0,
    "insert_deduplicate": 1,
    # A statement may carry the ids of a whole batch in its text; the default of 256 KiB is 7,000 of them.
    "max_query_size": 64 * 1024 * 1024,
    "max_ast_elements": 1_000_000,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_low_cardinality_as_dictionary": 0,
    "output_format_arrow_compression_method": "none",
}


def platform_error(error: ClickHouseError) -> PlatformError:
    """The platform's own error for one of the driver's: its code and name, never its text."""
    code = error.code if isinstance(error, Error) else None
    if code is None:
        if isinstance(error, OperationalError):
            return TransientError(
                "ClickHouse does not answer, or the connection was lost: check that it runs at the address in "
                "TELEMETRY_CLICKHOUSE__URL, then try again"
            )
        return PermanentError(f"the ClickHouse driver refused the statement ({type(error).__name__})")
    if code in _REFUSED_LOGIN:
        return UnreadyStoreError(
            f"ClickHouse refused the login (code {code}): check TELEMETRY_CLICKHOUSE__USER and "
            "TELEMETRY_CLICKHOUSE__PASSWORD"
        )
    named = f"code {code}, {error.name}" if isinstance(error, Error) and error.name else f"code {code}"
    if code in _TRANSIENT or code in _SLOW:
        kind = SlowStatementError if code in _SLOW else TransientError
        return kind(f"ClickHouse could not finish ({named}): try again")
    if code in _UNREADY:
        return UnreadyStoreError(
            f"ClickHouse lacks what the statement needs ({named}): run `telemetry schema apply`, then try again"
        )
    return PermanentError(
        f"ClickHouse refused the statement ({named}): trying again gives the same; its own log holds the text"
    )


@contextmanager
def _own_errors() -> Iterator[None]:
    """Whatever the driver raises in the block leaves as a PlatformError; `from None` hides the server's text."""
    try:
        yield
    except ClickHouseError as error:
        raise platform_error(error) from None


class Client:
    """The driver's methods that the platform uses, under the driver's names, with our errors.

    Safe to share between threads: no ClickHouse session is kept, so statements neither wait for nor influence each
    other.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._driver.close()

    @property
    def database(self) -> str:
        """The database that unqualified names mean."""
        return str(self._driver.database)

    @property
    def server_version(self) -> str:
        """The server's own version."""
        return str(self._driver.server_version)

    def ping(self) -> bool:
        """Whether the server answers."""
        return bool(self._driver.ping())

    def command(
        self,
        statement: str,
        parameters: Parameters | None = None,
        settings: Mapping[str, Any] | None = None,
        tables: Mapping[str, str] | None = None,
    ) -> None:
        """Run a statement whose answer does not matter; `tables` as for `query_arrow`."""
        with _own_errors():
            self._driver.command(
                statement, parameters, settings=dict(settings or {}), external_data=_external_data(tables)
            )

    def scalar(
        self, statement: str, parameters: Parameters | None = None, settings: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - whatever type the one column has
        """The first column of the first row; None without a row."""
        rows = self.query(statement, parameters, settings)
        return rows[0][0] if rows else None

    def query(
        self, statement: str, parameters: Parameters | None = None, settings: Mapping[str, Any] | None = None
    ) -> Sequence[Sequence[Any]]:
        """Rows as Python values, for small answers; times are aware, in UTC."""
        with _own_errors():
            return self._driver.query(statement, parameters, settings=dict(settings or {})).result_rows

    def query_arrow(
        self,
        statement: str,
        parameters: Parameters | None = None,
        settings: Mapping[str, Any] | None = None,
        tables: Mapping[str, str] | None = None,
    ) -> pa.Table:
        """The answer as columns. `tables` are lists of keys, one a line, that travel beside the statement.

        Each is a table with the column `key` for this statement alone: in its text, 20,000 keys take longer to read
        than to look up.
        """
        with _own_errors():
            return self._driver.query_arrow(
                statement,
                parameters,
                settings=dict(settings or {}),
                use_strings=True,
                external_data=_external_data(tables),
            )

    def text_blocks(
        self, statement: str, parameters: Parameters | None = None, settings: Mapping[str, Any] | None = None
    ) -> Iterator[bytes]:
        """The answer as lines of text, columns between tabs, in blocks as they come: for answers of any size."""
        with _own_errors():
            stream: Any = self._driver.raw_stream(
                statement, parameters, settings=dict(settings or {}), fmt="TabSeparated"
            )
            with closing(stream):
                while block := stream.read(_BLOCK_BYTES):
                    yield block

    def insert_arrow(self, table: str, rows: pa.Table, settings: Mapping[str, Any] | None = None) -> int:
        """Insert columns as one block; how many rows the server says it wrote."""
        with _own_errors():
            return int(self._driver.insert_arrow(table, rows, settings=dict(settings or {})).written_rows)


def _external_data(tables: Mapping[str, str] | None) -> ExternalData | None:
    """Lists of keys that travel beside a statement."""
    if not tables:
        return None
    external = ExternalData()
    for name, lines in tables.items():
        external.add_file(file_name=name, data=lines.encode(), fmt="TSV", structure="key String")
    return external


def connect(settings: ClickHouseSettings, *, log_comment: str = "", database: str | None = None) -> Client:
    """Connect, and ask the server who it is. `database` overrides the settings', for the time before theirs exists.

    Raises ConfigurationError for an address that is none, TransientError when nothing answers, PermanentError when the
    server refuses the login.
    """
    address = urlsplit(settings.url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ConfigurationError("TELEMETRY_CLICKHOUSE__URL must be http(s)://host:port")
    secure = address.scheme == "https"
    options: dict[str, Any] = {"ca_cert": str(settings.ca_file)} if settings.ca_file else {}
    with _own_errors():
        driver = clickhouse_connect.get_client(
            host=address.hostname,
            port=address.port or (8443 if secure else 8123),
            secure=secure,
            username=settings.user,
            password=settings.password.get_secret_value(),
            database=database or settings.database,
            settings=_DEFAULTS | {"log_comment": log_comment or "telemetry"},
            # On one machine compression costs more than it saves; over a network it is the other way round.
            compress="lz4" if secure else False,
            send_receive_timeout=settings.timeout_seconds,
            connect_timeout=5,
            query_limit=0,
            autogenerate_session_id=False,
            tz_mode="aware",
            client_name="telemetry-platform",
            **options,
        )
    return Client(driver)
