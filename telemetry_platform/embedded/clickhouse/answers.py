"""What goes back: headers, counts, and a body in pieces while its query still runs.

Invariant: once the first piece is on its way the status says 200, so a later error is written into the body between the
marks that X-ClickHouse-Exception-Tag announces. A client that reads them never takes half a result for a whole one.
"""

from __future__ import annotations

import itertools
import json
import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from telemetry_platform.embedded.clickhouse import compression
from telemetry_platform.embedded.clickhouse.failures import QueryFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.clickhouse.request import Request

_BYTES: Final = "application/octet-stream"
_CONTENT_TYPES: Final = {
    "json": "application/json; charset=UTF-8",
    "jsoncompact": "application/json; charset=UTF-8",
    "jsoneachrow": "application/x-ndjson; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8; header=absent",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "parquet": "application/octet-stream",
    "native": "application/octet-stream",
    "arrow": "application/octet-stream",
    "arrowstream": "application/octet-stream",
    "rowbinary": "application/octet-stream",
}


@dataclass
class Counts:
    """What X-ClickHouse-Summary tells."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0

    def add(self, result: Any) -> None:  # noqa: ANN401 - the engine's result object has no type
        """Count one result or block in."""
        self.read_rows += result.storage_rows_read()
        self.read_bytes += result.storage_bytes_read()
        self.written_rows += result.rows_written()
        self.written_bytes += result.bytes_written()
        self.result_rows += result.rows_written() or result.rows_read()
        self.result_bytes += result.size()
        self.elapsed_ns = int(result.elapsed() * 1e9)

    def header(self) -> str:
        """The header's JSON, numbers as strings as the real server writes them."""
        numbers = {**self.__dict__, "total_rows_to_read": self.read_rows}
        return json.dumps({name: str(value) for name, value in numbers.items()}, separators=(",", ":"))


@dataclass
class Answer:
    """Headers that are ready to go, and a body that comes in pieces while the query still runs."""

    headers: dict[str, str]
    pieces: Iterator[bytes]
    hold: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """End the query if it still runs and give the connection back."""
        closing = getattr(self.pieces, "close", None)
        try:
            if closing is not None:
                closing()
        finally:
            self.hold.close()


def stream(request: Request, blocks: Iterator[Any], form: str, hold: ExitStack) -> Answer:
    """Answer with blocks as they come. The first two are awaited: a small result then has its whole summary."""
    counts = Counts()
    early: list[bytes] = []
    tag: str | None = secrets.token_hex(8)
    for block in itertools.islice(blocks, 2):
        counts.add(block)
        early.append(block.bytes())
        if block.rows_read() == 0:
            tag = None
    pieces = _marked(early, blocks, tag)
    if request.wait_end:
        held = list(pieces) if tag is None else [*early, *(block.bytes() for block in blocks)]
        pieces, tag = iter(held), None
    return shape(request, pieces, form=form, counts=counts, hold=hold, tag=tag)


def shape(  # noqa: PLR0913 - the parts of one answer, put together in one place
    request: Request, pieces: Iterator[bytes], *, form: str, counts: Counts, hold: ExitStack, tag: str | None = None
) -> Answer:
    """Put headers on a body, and compress it when the client asked for that."""
    headers = {
        "Content-Type": _CONTENT_TYPES.get(form.lower(), "text/plain; charset=UTF-8"),
        "X-ClickHouse-Format": form,
        "X-ClickHouse-Summary": counts.header(),
    }
    if tag is not None:
        headers["X-ClickHouse-Exception-Tag"] = tag
    encoding = compression.choose(request.accept_encoding) if request.accept_encoding else None
    if encoding is None:
        return Answer(headers, pieces, hold)
    headers["Content-Encoding"] = encoding
    return Answer(headers, _packed(pieces, encoding), hold)


def _marked(early: list[bytes], blocks: Iterator[Any], tag: str | None) -> Iterator[bytes]:
    """Pieces of a stream, with an error in the marks that clients look for."""
    yield from early
    if tag is None:
        return
    try:
        for block in blocks:
            yield block.bytes()
    except QueryFailure as error:
        text = error.text.encode("utf-8", "replace")
        mark = tag.encode()
        yield b"\r\n__exception__\r\n%b\r\n%b\n%d %b\r\n__exception__\r\n" % (mark, text, len(text) + 1, mark)


def _packed(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Compress pieces as they pass."""
    packer = compression.compressor(encoding)
    for piece in pieces:
        if piece and (out := packer.compress(piece)):
            yield out
    yield packer.flush()
