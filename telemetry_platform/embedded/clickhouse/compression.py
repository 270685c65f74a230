"""Bodies in and out: HTTP encodings (lz4, zstd, gzip, deflate) and ClickHouse's own block compression on the way in.

Invariant: both directions work piece by piece; a body is never held whole, and a piece that grows beyond
`MAX_PIECE_BYTES` when decompressed is handed on in parts, so that a small body cannot fill the memory.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final, Protocol

import lz4.block
import lz4.frame
import zstandard

from telemetry_platform.embedded.clickhouse.failures import CANNOT_DECOMPRESS, NOT_IMPLEMENTED, failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_PIECE_BYTES: Final = 4 * 1024 * 1024
_WBITS: Final = {"gzip": 31, "deflate": 15}
_HEADER_BYTES: Final = 25  # 16 of checksum, 1 of method, 4 of compressed size (these nine included), 4 of size
_MAX_BLOCK_BYTES: Final = 1024**3
_LZ4, _ZSTD, _NONE = 0x82, 0x90, 0x02


class Compressor(Protocol):
    """What zlib and zstandard offer alike."""

    def compress(self, data: bytes, /) -> bytes: ...  # noqa: D102 - protocol
    def flush(self) -> bytes: ...  # noqa: D102 - protocol


class _Lz4:
    """lz4 frames behind the same two methods; the frame begins with the first piece."""

    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: bytes, /) -> bytes:
        head = b"" if self._begun else self._frame.begin()
        self._begun = True
        return bytes(head + self._frame.compress(data))

    def flush(self) -> bytes:
        return bytes((b"" if self._begun else self._frame.begin()) + self._frame.flush())


def choose(accept_encoding: str) -> str | None:
    """The first encoding of an Accept-Encoding header that is known here."""
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.strip().partition(";")
        if name in {"lz4", "zstd", "gzip", "deflate"} and weight.replace(" ", "") not in {"q=0", "q=0.0"}:
            return name
    return None


def compressor(encoding: str) -> Compressor:
    """A streaming compressor for an encoding that `choose` returned."""
    if encoding == "lz4":
        return _Lz4()
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=1).compressobj()
    return zlib.compressobj(level=3, wbits=_WBITS[encoding])


def decompressed(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Undo a Content-Encoding piece by piece."""
    if encoding in {"", "identity"}:
        yield from pieces
    elif encoding in _WBITS:
        yield from _guarded(_inflate(pieces, _WBITS[encoding]))
    elif encoding == "lz4":
        yield from _guarded(_frames(pieces))
    elif encoding == "zstd":
        yield from _guarded(_zstd(pieces))
    else:
        raise failure(NOT_IMPLEMENTED, "Content-Encoding must be lz4, zstd, gzip or deflate.")


def _guarded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Turn the libraries' errors into the engine's."""
    try:
        yield from pieces
    except (zlib.error, zstandard.ZstdError, RuntimeError, ValueError, EOFError):
        raise failure(
            CANNOT_DECOMPRESS, "The body is not what its Content-Encoding says, or it is cut short."
        ) from None


def _inflate(pieces: Iterable[bytes], wbits: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=wbits)
    begun = False
    for piece in pieces:
        rest = piece
        while rest:
            begun = True
            out = inflater.decompress(rest, MAX_PIECE_BYTES)
            if out:
                yield out
            rest = inflater.unconsumed_tail
            if inflater.eof and inflater.unused_data:  # gzip members may follow each other
                rest, inflater = inflater.unused_data, zlib.decompressobj(wbits=wbits)
    if begun and not inflater.eof:
        raise EOFError


def _frames(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Frames of lz4; clickhouse-connect sends one frame a block, one after the other."""
    frame: Any = lz4.frame.LZ4FrameDecompressor()
    begun = False
    for piece in pieces:
        rest = piece
        while rest or (begun and not frame.eof and not frame.needs_input):
            begun = True
            out = frame.decompress(rest, max_length=MAX_PIECE_BYTES)
            rest = b""
            if out:
                yield out
            if frame.eof:
                rest, frame, begun = frame.unused_data or b"", lz4.frame.LZ4FrameDecompressor(), False
    if begun:
        raise EOFError


def _zstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Frames of zstd, one after the other."""
    reader = zstandard.ZstdDecompressor().stream_reader(_Pieces(pieces), read_across_frames=True)  # type: ignore[arg-type] # it only calls read
    while out := reader.read(MAX_PIECE_BYTES):
        yield out


class _Pieces:
    """A file-like view of pieces, for the zstd reader."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b""

    def read(self, size: int) -> bytes:
        if not self._left:
            self._left = next(self._pieces, b"")
        out, self._left = self._left[:size], self._left[size:]
        return out


def native_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Undo ClickHouse's own compression (`decompress=1`). The checksum is not verified: TCP on loopback keeps bytes."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= _HEADER_BYTES:
            packed = int.from_bytes(buffer[17:21], "little")
            size = int.from_bytes(buffer[21:25], "little")
            if not 9 <= packed <= _MAX_BLOCK_BYTES or size > _MAX_BLOCK_BYTES:  # noqa: PLR2004 - see _HEADER_BYTES
                raise failure(CANNOT_DECOMPRESS, "A compressed block is too large, or this is no compressed block.")
            if len(buffer) < 16 + packed:
                break
            yield _block(buffer[16], bytes(buffer[_HEADER_BYTES : 16 + packed]), size)
            del buffer[: 16 + packed]
    if buffer:
        raise failure(CANNOT_DECOMPRESS, "The body ends inside a compressed block.")


def _block(method: int, data: bytes, size: int) -> bytes:
    """Unpack one block of ClickHouse's own compression."""
    try:
        if method == _LZ4:
            return bytes(lz4.block.decompress(data, uncompressed_size=size))
        if method == _ZSTD:
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
    except (lz4.block.LZ4BlockError, zstandard.ZstdError):
        raise failure(CANNOT_DECOMPRESS, "A compressed block does not unpack.") from None
    if method == _NONE:
        return data
    raise failure(NOT_IMPLEMENTED, "Blocks must be compressed with LZ4, ZSTD or NONE.")
