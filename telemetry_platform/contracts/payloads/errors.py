"""What an app posts of its failures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from telemetry_platform.contracts.columns import Stored
from telemetry_platform.contracts.payloads.envelope import Envelope
from telemetry_platform.contracts.pii import Domain, Hashed, Kept, PathReduced, Scrubbed
from telemetry_platform.contracts.types import Code, Identifier, Path, RawId, Seconds, Stack, Text, Version


class ErrorReport(Envelope):
    """Something failed in the app, the video or the network."""

    source: Annotated[Literal["app", "video", "network"], Kept(), Field(description="what failed")]
    error_code: Annotated[Code, Kept(), Field(description="code of the player, the browser or the app")]
    message: Annotated[Text | None, Scrubbed(), Field(description="message, scrubbed of personal data")] = None
    stack: Annotated[Stack | None, Scrubbed(), Field(description="stack trace, scrubbed of personal data")] = None
    url: Annotated[
        Path | None,
        PathReduced(),
        Stored(name="path"),
        Field(description="path of the page or request: known segments, every other one as `:x`"),
    ] = None
    http_status: Annotated[
        Annotated[int, Field(ge=0, le=999)] | None,
        Kept(),
        Stored("UInt16"),
        Field(description="status of the failed request"),
    ] = None
    fatal: Annotated[bool, Kept(), Field(description="the app or playback could not go on")] = False
    session_id: Annotated[
        Identifier | None, Kept(), Field(description="view or visit in which it happened; not kept without a token")
    ] = None
    media_id: Annotated[
        RawId | None, Hashed(Domain.MEDIA), Field(description="id of the medium, stored as its pseudonym")
    ] = None
    position_seconds: Annotated[
        Seconds | None, Kept(), Stored(unit="s"), Field(description="position in the medium")
    ] = None
    app_version: Annotated[Version | None, Kept(), Field(description="version of the app, e.g. 4.2.1")] = None
