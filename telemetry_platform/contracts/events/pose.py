"""Pose frames: how a body moved during an exercise, one row a frame, 132 numbers wide.

A column per landmark and axis, so that one joint of one session is read without the rest of the body. Figures rest as
decimals: fixed digits are what the codecs of the table's file live on, and they read as what they are. Address, country
and region are left out: nothing that is done with movement needs them, and this is health data.
"""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column, payload_columns
from telemetry_platform.contracts.consent import ConsentLevel, LegalBasis
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.event_kind import Axis, Endpoint, EventKind, Frames, Role, Store, Table
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.payloads.pose import AXES, LANDMARKS, PoseEnvelope, PoseFrame, PoseFrames
from telemetry_platform.contracts.retention import Retention

FRAMES = Frames(
    field="frames",
    number="frame_no",
    points_field="landmarks",
    points=LANDMARKS,
    axes=AXES,
    envelope=PoseEnvelope,
    frame=PoseFrame,
)


def _said(column: str, axis: Axis) -> str:
    """What one of the 132 columns holds."""
    return f"{column.removesuffix(f'_{axis.name}').replace('_', ' ')}: {axis.description}"


_UNUSED = {c.IP_TRUNCATED, c.COUNTRY_CODE, c.REGION, c.IS_BOT}

EVENTS = Table(
    name="pose_tracking_frames",
    store=Store.CLICKHOUSE,
    description="One frame of one exercise session: where MediaPipe saw each of 33 landmarks, and how surely.",
    columns=(
        *(column for column in c.COMMON if column not in _UNUSED),
        *payload_columns((PoseEnvelope,)),
        Column("frame_no", "UInt32", "number of the frame in its session"),
        *(
            Column(name, axis.decimal, _said(name, axis), axis.optional, axis.unit or None)
            for name, axis in FRAMES.columns
        ),
    ),
    owner=Owner.SUPPORT,
    retention=Retention(
        6, "month", "occurred_at", "a course of treatment is reviewed within half a year; health data goes first"
    ),
    erasure=SweptBy("actor_hash"),
    legal_basis=LegalBasis.EXPLICIT_CONSENT,
)

KIND = EventKind(
    name="pose",
    version=1,
    table=EVENTS,
    description=(
        "Body tracking during exercises, from MediaPipe in the browser. Numbers need five decimals at most: 300 frames "
        "with all digits of a double are larger than a body may be."
    ),
    consent=ConsentLevel.ANALYTICS,
    freshness=timedelta(minutes=15),
    payload=(PoseFrames,),
    endpoint=Endpoint("/v1/pose/frames", frozenset({Role.PATIENT}), max_events=300, summary="Record pose frames"),
    session_field="session_id",
    derives_ids=True,
    purpose="pose",
    frames=FRAMES,
)
