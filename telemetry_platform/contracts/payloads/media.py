"""What a player posts while a patient watches an exercise video; one model per type of event.

Every field of `data` is optional unless the event means nothing without it: a browser that cannot measure something
leaves it out, and the column is NULL.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from telemetry_platform.contracts.columns import Stored
from telemetry_platform.contracts.payloads.envelope import Envelope
from telemetry_platform.contracts.pii import Domain, Hashed, Kept, NotStored, Scrubbed
from telemetry_platform.contracts.types import (
    BitsPerSecond,
    Code,
    Connection,
    Count,
    Identifier,
    Milliseconds,
    Payload,
    PictureSize,
    RawId,
    Seconds,
    Text,
    Word,
)

Position = Annotated[Seconds | None, Kept(), Stored(unit="s"), Field(description="position in the medium")]
Bitrate = Annotated[BitsPerSecond | None, Kept(), Stored(unit="bit/s")]
Resolution = Annotated[PictureSize | None, Kept()]
Timing = Annotated[Milliseconds | None, Kept(), Stored(unit="ms")]
CdnTime = Annotated[Timing, Field(description="time that the CDN took to answer the last segment request")]
Counter = Annotated[Count | None, Kept()]


class Totals(Payload):
    """Counters that are cumulative over the session: the fold takes their maximum."""

    position_seconds: Position = None
    buffering_count: Annotated[Counter, Field(description="stalls so far")] = None
    buffering_duration_ms: Annotated[Timing, Field(description="time stalled so far")] = None
    current_bitrate: Annotated[Bitrate, Field(description="bitrate being played")] = None
    resolution: Annotated[Resolution, Field(description="resolution being played, e.g. 720p")] = None
    dropped_frames: Annotated[Counter, Field(description="frames dropped so far")] = None


class SessionStart(Payload):
    """What is known when a view begins."""

    total_duration_seconds: Annotated[
        Seconds | None, Kept(), Stored(unit="s"), Field(description="length of the medium")
    ] = None
    ttfb_ms: Annotated[Timing, Field(description="time to the first byte of the medium")] = None
    video_load_time_ms: Annotated[Timing, Field(description="time until the medium could play")] = None
    cdn_response_time_ms: CdnTime = None
    connection_type: Annotated[
        Connection | None, Kept(), Field(description="network as the browser names it: wifi, 4g, ...")
    ] = None
    effective_bandwidth: Annotated[
        Annotated[float, Field(ge=0, le=1_000_000)] | None,
        Kept(),
        Stored(unit="Mbit/s"),
        Field(description="bandwidth that the browser estimates"),
    ] = None
    rtt_ms: Annotated[Timing, Field(description="round-trip time that the browser estimates")] = None
    initial_bitrate: Annotated[Bitrate, Field(description="bitrate of the first segment")] = None
    initial_resolution: Annotated[Resolution, Field(description="resolution of the first segment")] = None


class Playing(Payload):
    """play and pause."""

    position_seconds: Position = None


class BufferingStart(Payload):
    """Playback stalls."""

    position_seconds: Position = None
    bitrate_before: Annotated[Bitrate, Field(description="bitrate when the stall began")] = None
    cdn_response_time_ms: CdnTime = None


class BufferingEnd(Payload):
    """Playback goes on."""

    position_seconds: Position = None
    duration_ms: Annotated[Timing, Field(description="length of the stall as the player measured it")] = None
    bitrate_after: Annotated[Bitrate, Field(description="bitrate after the stall")] = None


class QualityChange(Payload):
    """The player changes the rendition."""

    position_seconds: Position = None
    from_bitrate: Annotated[Bitrate, Field(description="bitrate before the change")] = None
    to_bitrate: Annotated[Bitrate, Field(description="bitrate after the change")] = None
    from_resolution: Annotated[Resolution, Field(description="resolution before the change")] = None
    to_resolution: Annotated[Resolution, Field(description="resolution after the change")] = None
    reason: Annotated[Code | None, Kept(), Field(description="why: of a quality change, or of a session's end")] = None


class Seek(Payload):
    """The patient jumps."""

    from_position: Annotated[Seconds, Kept(), Stored(unit="s"), Field(description="position before the jump")]
    to_position: Annotated[Seconds, Kept(), Stored(unit="s"), Field(description="position after the jump")]


class Milestone(Payload):
    """A share of the medium has been reached."""

    percent: Annotated[
        Literal[25, 50, 75, 95], Kept(), Stored("UInt8", unit="%"), Field(description="share of the medium reached")
    ]
    position_seconds: Position = None


class PlayerError(Payload):
    """The player failed; also reported to error_events."""

    error_code: Annotated[Code, Kept(), Field(description="code of the player or the browser")]
    error_message: Annotated[Text | None, Scrubbed(), Field(description="message, scrubbed of personal data")] = None
    fatal: Annotated[bool, Kept(), Field(description="playback cannot go on")] = False
    http_status: Annotated[
        Annotated[int, Field(ge=0, le=999)] | None,
        Kept(),
        Stored("UInt16"),
        Field(description="status of the failed request"),
    ] = None
    position_seconds: Position = None


class SessionEnd(Totals):
    """The view is over; the counters are final totals."""

    watched_seconds: Annotated[
        Seconds | None, Kept(), Stored(unit="s"), Field(description="time played, as the player counted it")
    ] = None
    reason: Annotated[
        Literal["completed", "abandoned"] | None,
        Kept(),
        Field(description="why: of a quality change, or of a session's end"),
    ] = None


class _Envelope(Envelope):
    """What every media event carries around its `data`."""

    event_id: Annotated[
        Identifier | None,
        NotStored(),
        Field(
            description="UUID of the event; derived from session, type, timestamp (and what a seek, a "
            "milestone or an error says) when missing"
        ),
    ] = None
    session_id: Annotated[Identifier, Kept(), Field(description="UUID of the view")]
    media_id: Annotated[RawId, Hashed(Domain.MEDIA), Field(description="id of the medium, stored as its pseudonym")]
    media_type: Annotated[Word, Kept(), Field(description="what was watched, e.g. video")] = "video"


_EVENT = Field(description="type of the event")


class SessionStartEvent(_Envelope):
    """A view begins."""

    event: Annotated[Literal["session_start"], Kept(), _EVENT]
    data: SessionStart = SessionStart()


class PlayEvent(_Envelope):
    """Playback begins or goes on, or pauses."""

    event: Annotated[Literal["play", "pause"], Kept(), _EVENT]
    data: Playing = Playing()


class HeartbeatEvent(_Envelope):
    """Every 10 seconds while playing."""

    event: Annotated[Literal["heartbeat"], Kept(), _EVENT]
    data: Totals = Totals()


class BufferingStartEvent(_Envelope):
    """A stall begins."""

    event: Annotated[Literal["buffering_start"], Kept(), _EVENT]
    data: BufferingStart = BufferingStart()


class BufferingEndEvent(_Envelope):
    """A stall ends."""

    event: Annotated[Literal["buffering_end"], Kept(), _EVENT]
    data: BufferingEnd = BufferingEnd()


class QualityChangeEvent(_Envelope):
    """The rendition changes."""

    event: Annotated[Literal["quality_change"], Kept(), _EVENT]
    data: QualityChange = QualityChange()


class SeekEvent(_Envelope):
    """The patient jumps."""

    event: Annotated[Literal["seek"], Kept(), _EVENT]
    data: Seek


class MilestoneEvent(_Envelope):
    """A share is reached."""

    event: Annotated[Literal["milestone"], Kept(), _EVENT]
    data: Milestone


class ErrorEvent(_Envelope):
    """The player failed."""

    event: Annotated[Literal["error"], Kept(), _EVENT]
    data: PlayerError


class SessionEndEvent(_Envelope):
    """A view is over."""

    event: Annotated[Literal["session_end"], Kept(), _EVENT]
    data: SessionEnd = SessionEnd()


MEDIA_EVENTS: tuple[type[Payload], ...] = (
    SessionStartEvent,
    PlayEvent,
    HeartbeatEvent,
    BufferingStartEvent,
    BufferingEndEvent,
    QualityChangeEvent,
    SeekEvent,
    MilestoneEvent,
    ErrorEvent,
    SessionEndEvent,
)
"""Told apart by `event`."""
