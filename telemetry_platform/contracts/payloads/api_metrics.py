"""What the Core API posts of each request that it answered: how long, with which status. Nobody's name, no address."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from telemetry_platform.contracts.columns import Stored
from telemetry_platform.contracts.payloads.envelope import ServiceEnvelope
from telemetry_platform.contracts.pii import Kept
from telemetry_platform.contracts.types import Bytes, Instance, Method, Milliseconds, Route, Status

_Size = Annotated[Bytes | None, Kept(), Stored("UInt64", unit="byte")]


class ApiRequest(ServiceEnvelope):
    """One answered request."""

    method: Annotated[Method, Kept(), Field(description="HTTP method")]
    route: Annotated[Route, Kept(), Field(description="route template, never a raw path")]
    status_code: Annotated[Status, Kept(), Stored("UInt16"), Field(description="HTTP status of the answer")]
    duration_ms: Annotated[Milliseconds, Kept(), Stored(unit="ms"), Field(description="time that the answer took")]
    request_bytes: Annotated[_Size, Field(description="size of the request's body")] = None
    response_bytes: Annotated[_Size, Field(description="size of the answer's body")] = None
    instance: Annotated[Instance | None, Kept(), Field(description="process or pod that answered")] = None
