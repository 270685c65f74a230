"""Error events: what failed in the app, the video or the network, with its device context.

They come from apps, also before anybody has signed in, and from media players: the API fans a player's error out here,
also at consent 1, where it leaves no session. Errors are kept in the legitimate interest of a working service.
"""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column, payload_columns
from telemetry_platform.contracts.consent import ConsentLevel, LegalBasis
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Endpoint, EventKind, Role, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.payloads.errors import ErrorReport
from telemetry_platform.contracts.retention import Retention

EVENTS = Table(
    name="error_events",
    store=Store.CLICKHOUSE,
    description="Errors of app, video and network, scrubbed of personal data.",
    columns=(
        *c.COMMON,
        *payload_columns((ErrorReport,)),
        Column("fingerprint", "String", "the same for one error, whatever ids and numbers its message holds"),
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
    payload=(ErrorReport,),
    endpoint=Endpoint("/v1/errors/report", frozenset(Role), summary="Report errors", anonymous=True),
    session_field="session_id",
    fingerprint_of=("source", "error_code", "message", "stack"),
)
