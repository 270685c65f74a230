"""What every posted event carries around what it says."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from telemetry_platform.contracts.columns import JSON, Stored
from telemetry_platform.contracts.pii import KeptBeside, NotStored, Scrubbed
from telemetry_platform.contracts.types import (
    Details,
    Identifier,
    Instance,
    Payload,
    RawId,
    Slug,
    Tenant,
    Text,
    Timestamp,
)


class ClientHints(Payload):
    """What a browser says of itself beside its user agent."""

    max_touch_points: Annotated[
        Annotated[int, Field(ge=0, le=255)] | None, NotStored(), Field(description="tells an iPad from a Mac")
    ] = None
    app_version: Annotated[Slug | None, NotStored(), Field(description="version of the frontend")] = None


class Clocked(Payload):
    """The client's clock."""

    timestamp: Annotated[
        Timestamp, NotStored(), Field(description="the client's clock at the event, RFC 3339 with zone")
    ]
    sent_at: Annotated[
        Timestamp | None, NotStored(), Field(description="the client's clock when it sent the event")
    ] = None


class Envelope(Clocked):
    """An event of a frontend."""

    event_id: Annotated[
        Identifier | None, NotStored(), Field(description="UUID of the event; a random one when missing")
    ] = None
    client: ClientHints = ClientHints()


class ServiceEnvelope(Clocked):
    """An event of a service, which sends it again after a failure: without an id of its own it would count twice."""

    event_id: Annotated[Identifier, NotStored(), Field(description="UUID of the event, the same on every re-send")]
    org_id: Annotated[
        Tenant | None, NotStored(), Field(description="tenant that the event belongs to; the token's when missing")
    ] = None


class ConcerningEnvelope(ServiceEnvelope):
    """An event of a service about what a person did, and from where: reduced as the person's own request would be."""

    actor_id: Annotated[
        RawId | None, NotStored(), Field(description="id of the person or service that acted; missing: nobody known")
    ] = None
    client_address: Annotated[
        Text | None, NotStored(), Field(description="address of the person; cut before anything else sees it")
    ] = None
    user_agent: Annotated[
        Text | None, NotStored(), Field(description="user agent of the person; reduced to its families")
    ] = None
    producer: Annotated[
        Instance | None,
        KeptBeside(),
        Field(description="name of the process that made the event, a new one each time that it starts"),
    ] = None
    producer_seq: Annotated[
        Annotated[int, Field(ge=0, le=9_007_199_254_740_991)] | None,
        KeptBeside(),
        Field(
            description="number of the event at its producer, from 1 without gaps for each kind of event: one that "
            "never comes is told as a loss"
        ),
    ] = None


MoreDetails = Annotated[
    Details | None,
    Scrubbed(),
    Stored(JSON),
    Field(description="what has no column, as one JSON object, names and values scrubbed of personal data"),
]
"""What services add to an event."""
