"""Error events: what failed in the app, the video or the network, with its device context.

An error of a media player arrives as a media event and is fanned out here by the API, also at consent 1, where it
leaves no session: errors are kept in the legitimate interest of a working service.
"""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.consent import ConsentLevel, LegalBasis
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import EventKind, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.pii import Domain, Hashed, Scrubbed
from telemetry_platform.contracts.retention import Retention

EVENTS = Table(
    name="error_events",
    store=Store.CLICKHOUSE,
    description="Errors of app, video and network, scrubbed of personal data.",
    columns=(
        *c.COMMON,
        Column("source", "String", "app, video or network"),
        Column("error_code", "String", "code of the player, the browser or the app"),
        Column("message", "String", "message, scrubbed of personal data", nullable=True, treatment=Scrubbed()),
        Column("fatal", "Bool", "the app or playback could not go on"),
        Column("http_status", "UInt16", "status of the failed request", nullable=True),
        Column("session_id", "UUID", "view in which it happened", nullable=True),
        Column("media_id", "String", "pseudonym of the medium", nullable=True, treatment=Hashed(Domain.MEDIA)),
        Column("position_seconds", "Float64", "position in the medium", nullable=True, unit="s"),
    ),
    owner=Owner.SUPPORT,
    retention=Retention(1, "year", "occurred_at", "regressions are compared with the same season"),
    erasure=SweptBy("actor_hash"),
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
)

KIND = EventKind(
    name="errors",
    version=1,
    table=EVENTS,
    description="Errors, from players and apps.",
    consent=ConsentLevel.ESSENTIAL,
    freshness=timedelta(minutes=15),
    session_field="session_id",
)
