"""Whether an INSERT that the engine calls done has really been stored.

The engine's streaming insert reports success although the pipeline behind it failed: a violated constraint, too many
partitions, a column or view that throws, a KILL. Its counter of failed inserts and its query_log know better.

Invariant: no insert is answered with success on the streaming call's word alone. Unless no insert at all failed in
between, the log has to name this one as finished; when it names nothing, the answer is an error.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from telemetry_platform.embedded.clickhouse.engine import MARK, quoted
from telemetry_platform.embedded.clickhouse.failures import UNKNOWN, failure, from_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.clickhouse.engine import Connection, Engine

_FAILED: Final = (
    "SELECT sum(value), toUnixTimestamp(now()) FROM system.events WHERE event = 'FailedInsertQuery'"
    " FORMAT JSONCompactEachRow"
)


@dataclass(frozen=True)
class _Moment:
    """How many inserts had failed at a second of the engine's clock."""

    failed: int
    at: int


class Outcomes:
    """Runs inserts on an engine and finds out what became of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Whichever thread asked last: any earlier moment serves, a stale one only costs a look into the log.
        self._last = self._now()

    def insert(self, connection: Connection, sql: str, form: str, chunks: Iterator[bytes], mark: str) -> Any:  # noqa: ANN401 - the engine's result object has no type
        """Feed an INSERT and return its result; raises the error that the engine kept to itself.

        `mark` is the value of the setting `MARK` that the connection has had for this request alone.
        """
        before = self._last
        result = connection.insert(sql, form, chunks)
        self._last = after = self._now()
        if after.failed != before.failed:
            self._refuse_failed(mark, before.at)
        return result

    def _now(self) -> _Moment:
        failed, at = json.loads(self._engine.ask(_FAILED))
        return _Moment(int(failed), int(at))

    def _refuse_failed(self, mark: str, since: int) -> None:
        """Raise the insert's own error; return when the log says that it finished and another one failed."""
        connection = self._engine.connect()
        try:
            connection.run("SYSTEM FLUSH LOGS query_log")
            rows = connection.run(
                "SELECT exception FROM system.query_log WHERE query_kind = 'Insert' AND type != 'QueryStart'"  # noqa: S608 - quoted
                f" AND event_date >= toDate({since}) AND event_time >= {since} AND Settings['{MARK}'] = {quoted(mark)}"
                " ORDER BY event_time_microseconds DESC LIMIT 1 FORMAT JSONCompactEachRow"
            ).bytes()
        finally:
            connection.close()
        if not rows.strip():
            raise failure(
                UNKNOWN,
                "An insert failed, and query_log does not say whether it was this one. Leave log_queries on, and "
                "repeat the insert under the same insert_deduplication_token.",
            )
        exception = json.loads(rows.splitlines()[0])[0]
        if exception:
            raise from_engine(RuntimeError(exception))
