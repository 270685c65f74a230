"""How statistics leave: as JSON or CSV, with a tag by which an unchanged answer is not sent again.

Invariants: an answer is kept by whom it was given to alone; no number is NaN or infinite; no cell of a CSV begins as a
formula does.
"""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

_KEPT_SECONDS = 30
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def answer(
    request: Request, body: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], *, is_kept: bool = True
) -> Response:
    """The body as JSON, or its lines as CSV where that is accepted; 304 when the caller has it.

    `is_kept`: whether the caller's browser may keep it for a moment.
    """
    if wants_csv(request):
        content, media_type = _csv(body, lines), "text/csv; charset=utf-8"
    else:
        content, media_type = orjson.dumps(body, default=_plain, option=_OPTIONS), "application/json"
    if not is_kept:
        return Response(content, headers={"Cache-Control": "no-store"}, media_type=media_type)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={_KEPT_SECONDS}", "Vary": "Authorization, Accept"}
    if tag in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


def wants_csv(request: Request) -> bool:
    """Whether a CSV is asked for."""
    kinds = [part.split(";")[0].strip() for part in request.headers.get("accept", "").lower().split(",")]
    return "text/csv" in kinds


def _tags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in header.split(",")}


def _csv(body: Mapping[str, Any], given: Sequence[Mapping[str, Any]]) -> bytes:
    """A line a group; what is of a line within a line stands behind a prefix, and lists are left to JSON."""
    stretch = {name: body[name] for name in ("from", "to") if name in body}
    lines = [_flat({**stretch, **line}) for line in given]
    columns = list(dict.fromkeys(name for line in lines for name in line))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns or list(stretch))
    writer.writerows([_cell(line.get(name)) for name in columns] for line in lines)
    return text.getvalue().encode()


def _flat(line: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in line.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}_")
        elif not isinstance(value, list):
            found[prefix + name] = value
    return found


def _cell(value: Any) -> Any:  # noqa: ANN401 - a number, a text or nothing
    if isinstance(value, datetime):
        return _plain(value)
    # A spreadsheet would run it.
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _plain(value: Any) -> str:  # noqa: ANN401 - what the encoder does not know
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    raise TypeError(type(value).__name__)
