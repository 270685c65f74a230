"""What the trail's routes answer with, for the OpenAPI document: made from the contracts of the tables.

Invariant: a column that a contract has is described here without a line of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

if TYPE_CHECKING:
    from telemetry_platform.contracts.columns import Column

_TYPES = {"DateTime64(3, 'UTC')": ("string", "date-time"), "UUID": ("string", "uuid"), "JSON": ("object", None)}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"description": "no valid token"},
    403: {"description": "the token has neither the role compliance nor admin; other tenants take the role admin"},
    422: {"description": "the question is not what it must be; `errors` names the parameters"},
    503: {"description": "a store does not answer, or it cannot be recorded who reads: nothing is shown"},
}


def rows_answer(name: str, columns: tuple[Column, ...], more: dict[str, Any]) -> dict[str, Any]:
    """The schema of a page of rows; `more` is what stands beside them."""
    row = {"type": "object", "properties": {column.name: _schema(column) for column in columns}}
    return {"type": "object", "properties": {name: {"type": "array", "items": row}, **more}}


def _schema(column: Column) -> dict[str, Any]:
    numeric = column.clickhouse.startswith("UInt")
    kind, form = _TYPES.get(column.clickhouse, ("integer" if numeric else "string", None))
    found: dict[str, Any] = {"type": [kind, "null"] if column.nullable else kind, "description": column.description}
    return found | ({"format": form} if form else {})


class TrailResponse(Response):
    """Rows as JSON; whole numbers of 64 bits and UUIDs are written as they are."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - the signature of the framework
        """The body."""
        return orjson.dumps(content)
