"""Media events, and the sessions and stalls that are folded from them.

The event log (`media_events`, 90 days) is what sessions are folded from and what support's timeline reads. A session's
events share one stream shard, one key epoch and one actor: the fold relies on it. A session is its id in its tenant:
clients make the ids, so that two tenants may hold the same one.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column, payload_columns
from telemetry_platform.contracts.consent import ConsentLevel, LegalBasis
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Endpoint, EventKind, Role, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.payloads.media import MEDIA_EVENTS
from telemetry_platform.contracts.pii import Domain, Hashed
from telemetry_platform.contracts.retention import Retention

_SESSION_ID = Column("session_id", "UUID", "UUID of the view, made by the frontend")
_MEDIA_ID = Column("media_id", "String", "pseudonym of the medium", treatment=Hashed(Domain.MEDIA))
_FOLD_VERSION = Column("fold_version", "UInt64", "rules version * 2^40 + number of distinct events folded")

EVENTS = Table(
    name="media_events",
    store=Store.CLICKHOUSE,
    description="Every media event once: the log that sessions are folded from and that support's timeline reads.",
    columns=(*c.COMMON, *payload_columns(MEDIA_EVENTS)),
    owner=Owner.SUPPORT,
    retention=Retention(
        90, "day", "occurred_at", "sessions are final long before; support looks back a quarter at most"
    ),
    erasure=SweptBy("actor_hash"),
    legal_basis=LegalBasis.CONSENT,
)

SESSIONS = Table(
    name="media_sessions",
    store=Store.CLICKHOUSE,
    description="One view of one medium: startup, stalls, quality, watched time, and how it ended.",
    columns=(
        _SESSION_ID,
        *(column for column in c.COMMON if column not in {c.EVENT_ID, c.CLIENT_AT, c.SKEWED, c.BATCH_ID}),
        _MEDIA_ID,
        Column("media_type", "String", "what was watched, e.g. video"),
        Column("started_at", c.TIME, "corrected time of session_start; NULL without one", nullable=True),
        Column("ended_at", c.TIME, "corrected time of the end; NULL while it has none", nullable=True),
        Column("last_event_at", c.TIME, "corrected time of the latest event"),
        Column("last_received_at", c.TIME, "when the API took the latest event; silence is measured from here"),
        Column("state", "String", "active, paused, completed or abandoned"),
        Column("end_derived", "Bool", "abandoned was derived from silence; a later event revokes it"),
        Column("start_seen", "Bool", "a session_start has arrived"),
        Column("event_count", "UInt32", "distinct events folded"),
        Column("total_duration_seconds", "Float64", "length of the medium", nullable=True, unit="s"),
        Column("connection_type", "String", "network as the browser names it", nullable=True),
        Column("effective_bandwidth", "Float64", "bandwidth that the browser estimated", nullable=True, unit="Mbit/s"),
        Column("rtt_ms", "Float64", "round-trip time that the browser estimated", nullable=True, unit="ms"),
        Column("ttfb_ms", "Float64", "time to the first byte", nullable=True, unit="ms"),
        Column("load_ms", "Float64", "time until the medium could play", nullable=True, unit="ms"),
        Column("cdn_response_time_ms", "Float64", "CDN's answer at the start", nullable=True, unit="ms"),
        Column("startup_ms", "Float64", "first play - session_start", nullable=True, unit="ms"),
        Column("position_seconds", "Float64", "position at the latest event that names one", nullable=True, unit="s"),
        Column("furthest_seconds", "Float64", "furthest position reached", nullable=True, unit="s"),
        Column("buffering_count", "UInt32", "stalls as the player counted them (cumulative counter)", nullable=True),
        Column("buffering_duration_ms", "Float64", "stalled time as the player counted it", nullable=True, unit="ms"),
        Column("stall_count", "UInt32", "stalls paired from events: neither startup nor seek"),
        Column("stall_ms", "Float64", "time in those stalls", unit="ms"),
        Column("seek_stall_ms", "Float64", "time stalled within a second of a seek", unit="ms"),
        Column("watched_seconds", "Float64", "time played, without pauses and stalls", unit="s"),
        Column("completion", "Float64", "min(1, furthest position / duration); NULL without a duration", nullable=True),
        Column("avg_bitrate", "Float64", "bitrate weighted by time", nullable=True, unit="bit/s"),
        Column("last_bitrate", "UInt32", "bitrate at the latest event that names one", nullable=True, unit="bit/s"),
        Column("resolution", "String", "resolution at the latest event that names one", nullable=True),
        Column("dropped_frames", "UInt32", "frames dropped (cumulative counter)", nullable=True),
        Column("milestones", "Array(UInt8)", "shares of the medium reached, ascending", unit="%"),
        Column("error_count", "UInt32", "player errors"),
        Column("fatal_error", "Bool", "an error ended playback"),
        Column("conflicting_terminals", "UInt32", "ends that contradict the first one"),
        Column("skewed", "Bool", "a clock of this session was corrected"),
        _FOLD_VERSION,
    ),
    owner=Owner.SUPPORT,
    retention=Retention(2, "year", "occurred_at", "two yearly comparisons of video health"),
    erasure=SweptBy("actor_hash"),
    legal_basis=LegalBasis.CONSENT,
    derived_from="media_events",
    final=True,
    key=("org_id", "session_id"),
)

STALLS = Table(
    name="media_buffering_events",
    store=Store.CLICKHOUSE,
    description="One stall of one view: when, where in the medium, how long, why, and what closed it.",
    columns=(
        *(column for column in c.COMMON if column not in {c.CLIENT_AT, c.SKEWED, c.BATCH_ID}),
        _SESSION_ID,
        _MEDIA_ID,
        Column("started_at", c.TIME, "corrected time at which playback stalled"),
        Column("ended_at", c.TIME, "corrected time at which the stall ended; NULL while it lasts", nullable=True),
        Column("duration_ms", "Float64", "length of the stall; NULL while it lasts", nullable=True, unit="ms"),
        Column("position_seconds", "Float64", "position in the medium", nullable=True, unit="s"),
        Column("cause", "String", "rebuffer, seek or startup"),
        Column("bitrate_before", "UInt32", "bitrate when the stall began", nullable=True, unit="bit/s"),
        Column("bitrate_after", "UInt32", "bitrate after the stall", nullable=True, unit="bit/s"),
        Column("cdn_response_time_ms", "Float64", "CDN's answer to the segment request", nullable=True, unit="ms"),
        Column("closed_by", "String", "buffering_end, play, pause, session_end, next_stall, end_only or open"),
        Column("is_deleted", "UInt8", "1 takes back a stall that a later event showed to be none"),
        _FOLD_VERSION,
    ),
    owner=Owner.SUPPORT,
    retention=Retention(1, "year", "occurred_at", "troubleshooting needs a year's seasons"),
    erasure=SweptBy("actor_hash"),
    legal_basis=LegalBasis.CONSENT,
    derived_from="media_events",
    final=True,
    key=("org_id", "session_id", "event_id"),
)

KIND = EventKind(
    name="media",
    version=1,
    table=EVENTS,
    description="Video and exercise playback, from the player.",
    consent=ConsentLevel.ANALYTICS,
    freshness=timedelta(minutes=15),
    payload=MEDIA_EVENTS,
    discriminator="event",
    endpoint=Endpoint("/v1/media/events", frozenset({Role.PATIENT, Role.STAFF}), summary="Record media events"),
    session_field="session_id",
    derives_ids=True,
    # A jump over two quarters reaches two milestones at once. By session, type and time alone the second would be taken
    # for a copy of the first, after a 202. Of all other types two in one millisecond are one event sent twice.
    told_apart_by=MappingProxyType(
        {"milestone": ("percent",), "seek": ("from_position", "to_position"), "error": ("error_code",)}
    ),
    derived=(SESSIONS, STALLS),
    exceptions=MappingProxyType(
        {
            "units_stand_in_names: Seek.from_position": "the name that players send",
            "units_stand_in_names: Seek.to_position": "the name that players send",
            "tables_carry_the_common_columns: media_sessions.skewed": "tells of any clock in a session",
        }
    ),
)
