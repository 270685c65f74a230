"""Exercise sessions, each from its frames: how long, how complete, how well seen, how far joints moved."""

from __future__ import annotations

from datetime import timedelta

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.events.pose import KIND
from telemetry_platform.contracts.rollup import rollup_of

ANGLES = tuple(
    f"{side}_{joint}" for joint in ("elbow", "shoulder", "hip", "knee", "ankle") for side in ("left", "right")
)
"""Joints whose angle is measured."""


def _range(angle: str) -> tuple[Column, ...]:
    spoken = angle.replace("_", " ")
    return (
        Column(f"{angle}_min_deg", "Float64", f"2.5th percentile of the angle of the {spoken}", True, "degree"),
        Column(f"{angle}_max_deg", "Float64", f"97.5th percentile of the angle of the {spoken}", True, "degree"),
    )


ROLLUP = rollup_of(
    KIND.table,
    name="pose_sessions",
    source="pose_tracking_frames_live",
    time="started_at",
    description="One exercise session, from its frames: length, gaps, visibility, range of motion.",
    keys=(c.ORG_ID, Column("session_id", "UUID", "UUID of the exercise session, made by the frontend")),
    measures=(
        Column("started_at", c.TIME, "time of its first frame; the session belongs to that day"),
        Column("received_at", c.TIME, "when the API took its first frame"),
        c.ACTOR_HASH,
        c.KEY_EPOCH,
        Column("exercise_id", "String", "pseudonym of the exercise"),
        c.DEVICE_TYPE,
        Column("ended_at", c.TIME, "time of its last frame"),
        Column("frames", "UInt32", "frames that arrived"),
        Column("missing_frames", "UInt32", "numbers between the first and the last frame that did not arrive"),
        Column("largest_gap_ms", "Float64", "longest time between two frames", unit="ms"),
        Column("duration_ms", "Float64", "time between the first and the last frame", unit="ms"),
        Column(
            "visibility", "Array(Float32)", "mean visibility of the 33 landmarks in their order; 0 where none is told"
        ),
        Column("visibility_frames", "Array(UInt32)", "frames that tell the visibility of each landmark"),
        *(column for angle in ANGLES for column in _range(angle)),
    ),
    erasure=SweptBy("actor_hash"),
    freshness=timedelta(minutes=30),
)
