"""A moment as questions over HTTP carry it.

Invariant: RFC 3339 with a zone, to the microsecond, in UTC from here on; without a zone it is refused.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

from telemetry_platform.contracts.types import parse_timestamp


def _moment(value: Any) -> datetime:  # noqa: ANN401 - whatever was sent
    parse_timestamp(value)
    return datetime.fromisoformat(value.upper()).astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_moment, json_schema_input_type=str)]
