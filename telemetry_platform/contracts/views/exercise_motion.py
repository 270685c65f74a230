"""How far joints move in each exercise."""

from __future__ import annotations

from telemetry_platform.contracts.columns import Column
from telemetry_platform.contracts.view import counted, figure, view_pair

VIEWS = view_pair(
    "exercise_range_of_motion",
    "exercise_range_of_motion_between",
    source="pose_sessions",
    description="How far joints move in each exercise",
    keys=(
        Column("exercise_id", "String", "pseudonym of the exercise"),
        Column("angle", "String", "left or right elbow, shoulder, hip, knee or ankle: left_knee"),
    ),
    measures=(
        counted("sessions", "exercise sessions in which the angle was measured"),
        figure("mean_min_deg", "mean over sessions of the 2.5th percentile of the angle", "degree"),
        figure("mean_max_deg", "mean over sessions of the 97.5th percentile of the angle", "degree"),
        figure("mean_range_deg", "mean over sessions of what lies between the two", "degree"),
    ),
)
