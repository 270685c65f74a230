"""Export the audit trail: a ZIP that is written while it is sent, of any size, in the memory of one page.

It holds the rows (`audit-logs.csv` or `.jsonl`), `manifest.json`, which says what they are and what they hash to, and
`SHA256SUMS` for `sha256sum -c`. Invariants: nothing is produced before the export stands in the trail; the manifest
comes last, so that a file whose sending broke off has none and no ZIP reader opens it; the hash of the manifest is in
the trail before the manifest is sent, so that a file can be told from one that somebody made.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson

from telemetry_platform.contracts.registry import tables
from telemetry_platform.errors import TransientError
from telemetry_platform.processing import trail_rows
from telemetry_platform.stores import trail_reading
from telemetry_platform.stores.trail_reading import TRAIL
from telemetry_platform.usecases.read_trail import read_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.contracts.trail_filters import LogFilter
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.trail_reading import Row, TrailState, Walk

Form = Literal["csv", "jsonl"]
FORMAT = "telemetry-audit-export/1"
_ROWS = 1_000
# Level 1: the exporter shares two cores with whoever posts events, and a trail shrinks tenfold at any level.
_LEVEL = 1


@dataclass(frozen=True)
class Finished:
    """What the trail keeps of an export that was made whole."""

    export_id: UUID
    rows: int
    manifest_sha256: str


class _Sink:
    """What the ZIP is written to: bytes that wait to be taken; it cannot be sought, and the ZIP copes."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes, /) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is held open."""

    def take(self) -> bytes:
        found = bytes(self._waiting)
        self._waiting.clear()
        return found


@dataclass(frozen=True)
class Order:
    """What is to be exported; `export_id` is the entry of the trail that says so."""

    wanted: LogFilter
    form: Form
    export_id: UUID
    made_at: datetime


class TrailExport:
    """One export. `begin` reads the first rows, so that what cannot be read is known before anything is sent."""

    def __init__(self, conn: Connection, order: Order, state: TrailState, walk: Walk) -> None:
        self._conn = conn
        self._order = order
        self._state = state
        self._walk = walk
        self._first_page = self._page(0)
        self._ends: tuple[Row, Row] | None = None
        self._rows = 0
        self._digest = hashlib.sha256()

    @classmethod
    def begin(cls, settings: Settings, order: Order, until_seq: int | None) -> TrailExport:
        """Connect and read the first rows. Raises PlatformError; then nothing is left open."""
        conn = trail_reading.open_reading(read_address(settings), seconds=trail_reading.EXPORT_SECONDS)
        try:
            state = trail_reading.trail_state(conn)
            return cls(conn, order, state, state.walk(until_seq))
        except BaseException:
            conn.close()
            raise

    @property
    def until_seq(self) -> int:
        """The last place that may be in it."""
        return self._walk.until_seq

    @property
    def name(self) -> str:
        """The name of the file."""
        return f"audit-logs-{self._order.made_at:%Y%m%dT%H%M%SZ}.zip"

    def close(self) -> None:
        """Let go of the connection; may be called at any time, and again."""
        self._conn.close()

    def chunks(self, finish: Callable[[Finished], None]) -> Iterator[bytes]:
        """The file, piece by piece. `finish` puts on record that it is whole; when that fails, it is not."""
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
            with archive.open(self._entry(self._data_name), "w", force_zip64=True) as out:
                for piece in self._data():
                    self._digest.update(piece)
                    out.write(piece)
                    if waiting := sink.take():
                        yield waiting
            self._check_nothing_expired()
            manifest = orjson.dumps(self._manifest(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
            hashed = hashlib.sha256(manifest).hexdigest()
            finish(Finished(self._order.export_id, self._rows, hashed))
            archive.writestr(self._entry("manifest.json"), manifest)
            sums = f"{self._digest.hexdigest()}  {self._data_name}\n{hashed}  manifest.json\n"
            archive.writestr(self._entry("SHA256SUMS"), sums)
        yield sink.take()

    def _data(self) -> Iterator[bytes]:
        columns = self._columns
        if self._order.form == "csv":
            yield trail_rows.csv_header(columns)
        page, self._first_page = self._first_page, []
        while page:
            self._rows += len(page)
            last, is_last = page[-1], len(page) < _ROWS
            self._ends = (page[0] if self._ends is None else self._ends[0], last)
            piece = trail_rows.jsonl(page) if self._order.form == "jsonl" else trail_rows.csv_lines(page, columns)
            # Gone before the next page comes, and while whoever reads slowly takes this one.
            page = []
            yield piece
            if not is_last:
                page = self._page(last["seq"])

    def _page(self, after: int) -> list[Row]:
        return trail_reading.log_page(self._conn, self._order.wanted, self._walk, after=after, rows=_ROWS)

    def _check_nothing_expired(self) -> None:
        """A month that came to its end meanwhile may have been dropped in the middle of the walk."""
        if trail_reading.trail_state(self._conn).visible_from != self._state.visible_from:
            raise TransientError("rows reached the end of their retention during the export: export again")

    def _manifest(self) -> dict[str, Any]:
        wanted, ends = self._order.wanted, self._ends
        return {
            "format": FORMAT,
            "export_id": self._order.export_id,
            "made_at": trail_rows.rfc3339(self._order.made_at),
            "org_id": wanted.tenants.org_id,
            "all_orgs": wanted.tenants.are_all,
            "filters": trail_rows.document(
                {name: value for name, value in wanted.values().items() if value is not None}
            ),
            "rows": self._rows,
            "first": None if ends is None else _place(ends[0]),
            "last": None if ends is None else _place(ends[1]),
            "trail": {
                "until_seq": self.until_seq,
                "head_seq": self._state.seq,
                "head_row_hash": self._state.row_hash,
                "visible_from": trail_rows.rfc3339(self._state.visible_from),
            },
            "columns": self._columns,
            "files": [{"name": self._data_name, "rows": self._rows, "sha256": self._digest.hexdigest()}],
        }

    @property
    def _columns(self) -> list[str]:
        table = tables()[TRAIL]
        return [*(column.name for column in (*table.columns, *table.beside)), trail_rows.REDACTED]

    @property
    def _data_name(self) -> str:
        return f"audit-logs.{self._order.form}"

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(name, self._order.made_at.timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        return entry


def _place(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("seq", "prev_hash", "row_hash")}
