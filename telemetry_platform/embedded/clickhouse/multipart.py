"""Multipart bodies: form fields (`query`, `param_*`) and external tables, which become temporary tables.

Invariant: a multipart body is held whole, so it is bounded; data that do not fit belong into an INSERT.
"""

from __future__ import annotations

import email.parser
import email.policy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from telemetry_platform.embedded.clickhouse.failures import BAD_ARGUMENTS, TOO_LARGE, failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class External:
    """A table that comes with the query."""

    name: str
    form: str
    structure: str
    data: bytes


@dataclass(frozen=True)
class Form:
    """A multipart body, taken apart."""

    fields: Mapping[str, str]
    tables: tuple[External, ...]


def check_size(size: int) -> None:
    """Refuse what has to be held whole and is too large for that."""
    if size > MAX_BYTES:
        raise failure(
            TOO_LARGE,
            f"A query, a form, or data of the format Values may have {MAX_BYTES} bytes; insert in another format.",
        )


def whole(pieces: Iterator[bytes]) -> bytes:
    """Read a body that has to be held whole."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        check_size(len(buffer))
    return bytes(buffer)


def parse(content_type: str, body: bytes, described: Mapping[str, str]) -> Form:
    """Take a form apart; `described` holds the URL's `<table>_format`, `_structure` and `_types`."""
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1", "replace")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise failure(BAD_ARGUMENTS, "The body is not the multipart form that its Content-Type announces.")
    fields: dict[str, str] = {}
    tables: list[External] = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(data, bytes):
            raise failure(BAD_ARGUMENTS, "Every part of a form needs a name and plain content.")
        if part.get_filename() is None:
            fields[name] = data.decode("utf-8", "surrogateescape")
        else:
            tables.append(_table(name, data, described))
    return Form(fields, tuple(tables))


def _table(name: str, data: bytes, described: Mapping[str, str]) -> External:
    """One external table; `types` names the columns _1, _2, ... as the real server does."""
    structure = described.get(f"{name}_structure", "")
    if not structure and described.get(f"{name}_types"):
        types = described[f"{name}_types"].split(",")
        structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate(types, start=1))
    if not structure:
        raise failure(BAD_ARGUMENTS, "An external table needs <name>_structure or <name>_types in the URL.")
    return External(name, described.get(f"{name}_format", "TabSeparated"), structure, data)
