-- Exercise sessions whose first frame is of the day, from all of their frames, each frame once.
--
-- An angle counts where its three landmarks were seen with at least one half, or nothing was said of it.
SELECT
    org_id,
    session_id,
    min(base.occurred_at) AS started_at,
    min(base.received_at) AS received_at,
    argMin(base.actor_hash, base.frame_no) AS actor_hash,
    argMin(base.key_epoch, base.frame_no) AS key_epoch,
    argMin(base.exercise_id, base.frame_no) AS exercise_id,
    argMin(base.device_type, base.frame_no) AS device_type,
    max(base.occurred_at) AS ended_at,
    count() AS frames,
    max(frame_no) - min(frame_no) + 1 - count() AS missing_frames,
    max(gap_ms) AS largest_gap_ms,
    toFloat64(dateDiff('millisecond', started_at, ended_at)) AS duration_ms,
    arrayMap(
        (total, frames_told) -> toFloat32(if(frames_told = 0, 0, total / frames_told)),
        sumForEach(visibilities), sumForEach(told)
    ) AS visibility,
    CAST(sumForEach(told), 'Array(UInt32)') AS visibility_frames,
    quantileExactInclusiveOrNull(0.025)(left_elbow) AS left_elbow_min_deg,
    quantileExactInclusiveOrNull(0.975)(left_elbow) AS left_elbow_max_deg,
    quantileExactInclusiveOrNull(0.025)(right_elbow) AS right_elbow_min_deg,
    quantileExactInclusiveOrNull(0.975)(right_elbow) AS right_elbow_max_deg,
    quantileExactInclusiveOrNull(0.025)(left_shoulder) AS left_shoulder_min_deg,
    quantileExactInclusiveOrNull(0.975)(left_shoulder) AS left_shoulder_max_deg,
    quantileExactInclusiveOrNull(0.025)(right_shoulder) AS right_shoulder_min_deg,
    quantileExactInclusiveOrNull(0.975)(right_shoulder) AS right_shoulder_max_deg,
    quantileExactInclusiveOrNull(0.025)(left_hip) AS left_hip_min_deg,
    quantileExactInclusiveOrNull(0.975)(left_hip) AS left_hip_max_deg,
    quantileExactInclusiveOrNull(0.025)(right_hip) AS right_hip_min_deg,
    quantileExactInclusiveOrNull(0.975)(right_hip) AS right_hip_max_deg,
    quantileExactInclusiveOrNull(0.025)(left_knee) AS left_knee_min_deg,
    quantileExactInclusiveOrNull(0.975)(left_knee) AS left_knee_max_deg,
    quantileExactInclusiveOrNull(0.025)(right_knee) AS right_knee_min_deg,
    quantileExactInclusiveOrNull(0.975)(right_knee) AS right_knee_max_deg,
    quantileExactInclusiveOrNull(0.025)(left_ankle) AS left_ankle_min_deg,
    quantileExactInclusiveOrNull(0.975)(left_ankle) AS left_ankle_max_deg,
    quantileExactInclusiveOrNull(0.025)(right_ankle) AS right_ankle_min_deg,
    quantileExactInclusiveOrNull(0.975)(right_ankle) AS right_ankle_max_deg,
    {now:DateTime64(3, 'UTC')} AS built_at
FROM
    (
        SELECT
            org_id, session_id, occurred_at, received_at, actor_hash, key_epoch, exercise_id, device_type, frame_no,
            toFloat64(if(
                row_number() OVER in_order = 1,
                0,
                dateDiff('millisecond', lagInFrame(occurred_at) OVER in_order, occurred_at)
            )) AS gap_ms,
            [
                toFloat64(ifNull(nose_visibility, 0)),
                toFloat64(ifNull(left_eye_inner_visibility, 0)),
                toFloat64(ifNull(left_eye_visibility, 0)),
                toFloat64(ifNull(left_eye_outer_visibility, 0)),
                toFloat64(ifNull(right_eye_inner_visibility, 0)),
                toFloat64(ifNull(right_eye_visibility, 0)),
                toFloat64(ifNull(right_eye_outer_visibility, 0)),
                toFloat64(ifNull(left_ear_visibility, 0)),
                toFloat64(ifNull(right_ear_visibility, 0)),
                toFloat64(ifNull(mouth_left_visibility, 0)),
                toFloat64(ifNull(mouth_right_visibility, 0)),
                toFloat64(ifNull(left_shoulder_visibility, 0)),
                toFloat64(ifNull(right_shoulder_visibility, 0)),
                toFloat64(ifNull(left_elbow_visibility, 0)),
                toFloat64(ifNull(right_elbow_visibility, 0)),
                toFloat64(ifNull(left_wrist_visibility, 0)),
                toFloat64(ifNull(right_wrist_visibility, 0)),
                toFloat64(ifNull(left_pinky_visibility, 0)),
                toFloat64(ifNull(right_pinky_visibility, 0)),
                toFloat64(ifNull(left_index_visibility, 0)),
                toFloat64(ifNull(right_index_visibility, 0)),
                toFloat64(ifNull(left_thumb_visibility, 0)),
                toFloat64(ifNull(right_thumb_visibility, 0)),
                toFloat64(ifNull(left_hip_visibility, 0)),
                toFloat64(ifNull(right_hip_visibility, 0)),
                toFloat64(ifNull(left_knee_visibility, 0)),
                toFloat64(ifNull(right_knee_visibility, 0)),
                toFloat64(ifNull(left_ankle_visibility, 0)),
                toFloat64(ifNull(right_ankle_visibility, 0)),
                toFloat64(ifNull(left_heel_visibility, 0)),
                toFloat64(ifNull(right_heel_visibility, 0)),
                toFloat64(ifNull(left_foot_index_visibility, 0)),
                toFloat64(ifNull(right_foot_index_visibility, 0))
            ] AS visibilities,
            [
                toUInt32(nose_visibility IS NOT NULL),
                toUInt32(left_eye_inner_visibility IS NOT NULL),
                toUInt32(left_eye_visibility IS NOT NULL),
                toUInt32(left_eye_outer_visibility IS NOT NULL),
                toUInt32(right_eye_inner_visibility IS NOT NULL),
                toUInt32(right_eye_visibility IS NOT NULL),
                toUInt32(right_eye_outer_visibility IS NOT NULL),
                toUInt32(left_ear_visibility IS NOT NULL),
                toUInt32(right_ear_visibility IS NOT NULL),
                toUInt32(mouth_left_visibility IS NOT NULL),
                toUInt32(mouth_right_visibility IS NOT NULL),
                toUInt32(left_shoulder_visibility IS NOT NULL),
                toUInt32(right_shoulder_visibility IS NOT NULL),
                toUInt32(left_elbow_visibility IS NOT NULL),
                toUInt32(right_elbow_visibility IS NOT NULL),
                toUInt32(left_wrist_visibility IS NOT NULL),
                toUInt32(right_wrist_visibility IS NOT NULL),
                toUInt32(left_pinky_visibility IS NOT NULL),
                toUInt32(right_pinky_visibility IS NOT NULL),
                toUInt32(left_index_visibility IS NOT NULL),
                toUInt32(right_index_visibility IS NOT NULL),
                toUInt32(left_thumb_visibility IS NOT NULL),
                toUInt32(right_thumb_visibility IS NOT NULL),
                toUInt32(left_hip_visibility IS NOT NULL),
                toUInt32(right_hip_visibility IS NOT NULL),
                toUInt32(left_knee_visibility IS NOT NULL),
                toUInt32(right_knee_visibility IS NOT NULL),
                toUInt32(left_ankle_visibility IS NOT NULL),
                toUInt32(right_ankle_visibility IS NOT NULL),
                toUInt32(left_heel_visibility IS NOT NULL),
                toUInt32(right_heel_visibility IS NOT NULL),
                toUInt32(left_foot_index_visibility IS NOT NULL),
                toUInt32(right_foot_index_visibility IS NOT NULL)
            ] AS told,
            if(
                least(ifNull(left_shoulder_visibility, 1), ifNull(left_elbow_visibility, 1), ifNull(left_wrist_visibility, 1)) >= 0.5,
                angle_between(
                    (toFloat64(left_shoulder_x) - toFloat64(left_elbow_x), toFloat64(left_shoulder_y) - toFloat64(left_elbow_y), toFloat64(left_shoulder_z) - toFloat64(left_elbow_z)),
                    (toFloat64(left_wrist_x) - toFloat64(left_elbow_x), toFloat64(left_wrist_y) - toFloat64(left_elbow_y), toFloat64(left_wrist_z) - toFloat64(left_elbow_z))
                ),
                NULL
            ) AS left_elbow,
            if(
                least(ifNull(right_shoulder_visibility, 1), ifNull(right_elbow_visibility, 1), ifNull(right_wrist_visibility, 1)) >= 0.5,
                angle_between(
                    (toFloat64(right_shoulder_x) - toFloat64(right_elbow_x), toFloat64(right_shoulder_y) - toFloat64(right_elbow_y), toFloat64(right_shoulder_z) - toFloat64(right_elbow_z)),
                    (toFloat64(right_wrist_x) - toFloat64(right_elbow_x), toFloat64(right_wrist_y) - toFloat64(right_elbow_y), toFloat64(right_wrist_z) - toFloat64(right_elbow_z))
                ),
                NULL
            ) AS right_elbow,
            if(
                least(ifNull(left_elbow_visibility, 1), ifNull(left_shoulder_visibility, 1), ifNull(left_hip_visibility, 1)) >= 0.5,
                angle_between(
                    (toFloat64(left_elbow_x) - toFloat64(left_shoulder_x), toFloat64(left_elbow_y) - toFloat64(left_shoulder_y), toFloat64(left_elbow_z) - toFloat64(left_shoulder_z)),
                    (toFloat64(left_hip_x) - toFloat64(left_shoulder_x), toFloat64(left_hip_y) - toFloat64(left_shoulder_y), toFloat64(left_hip_z) - toFloat64(left_shoulder_z))
                ),
                NULL
            ) AS left_shoulder,
            if(
                least(ifNull(right_elbow_visibility, 1), ifNull(right_shoulder_visibility, 1), ifNull(right_hip_visibility, 1)) >= 0.5,
                angle_between(
                    (toFloat64(right_elbow_x) - toFloat64(right_shoulder_x), toFloat64(right_elbow_y) - toFloat64(right_shoulder_y), toFloat64(right_elbow_z) - toFloat64(right_shoulder_z)),
                    (toFloat64(right_hip_x) - toFloat64(right_shoulder_x), toFloat64(right_hip_y) - toFloat64(right_shoulder_y), toFloat64(right_hip_z) - toFloat64(right_shoulder_z))
                ),
                NULL
            ) AS right_shoulder,
            if(
                least(ifNull(left_shoulder_visibility, 1), ifNull(left_hip_visibility, 1), ifNull(left_knee_visibility, 1)) >= 0.5,
                angle_between(
                    (toFloat64(left_shoulder_x) - toFloat64(left_hip_x), toFloat64(left_shoulder_y) - toFloat64(left_hip_y), toFloat64(left_shoulder_z) - toFloat64(left_hip_z)),
                    (toFloat64(left_knee_x) - toFloat64(left_hip_x), toFloat64(left_knee_y) - toFloat64(left_hip_y), toFloat64(left_knee_z) - toFloat64(left_hip_z))
                ),
                NULL
            ) AS left_hip,
            if(
                least(ifNull(right_shoulder_visibility, 1), ifNull(right_hip_visibility, 1), ifNull(right_knee_visibility, 1)) >= 0.5,
                angle_between(
                    (toFloat64(right_shoulder_x) - toFloat64(right_hip_x), toFloat64(right_shoulder_y) - toFloat64(right_hip_y), toFloat64(right_shoulder_z) - toFloat64(right_hip_z)),
                    (toFloat64(right_knee_x) - toFloat64(right_hip_x), toFloat64(right_knee_y) - toFloat64(right_hip_y), toFloat64(right_knee_z) - toFloat64(right_hip_z))
                ),
                NULL
            ) AS right_hip,
            if(
                least(ifNull(left_hip_visibility, 1), ifNull(left_knee_visibility, 1), ifNull(left_ankle_visibility, 1)) >= 0.5,
                angle_between(
                    (toFloat64(left_hip_x) - toFloat64(left_knee_x), toFloat64(left_hip_y) - toFloat64(left_knee_y), toFloat64(left_hip_z) - toFloat64(left_knee_z)),
                    (toFloat64(left_ankle_x) - toFloat64(left_knee_x), toFloat64(left_ankle_y) - toFloat64(left_knee_y), toFloat64(left_ankle_z) - toFloat64(left_knee_z))
                ),
                NULL
            ) AS left_knee,
            if(
                least(ifNull(right_hip_visibility, 1), ifNull(right_knee_visibility, 1), ifNull(right_ankle_visibility, 1)) >= 0.5,
                angle_between(
                    (toFloat64(right_hip_x) - toFloat64(right_knee_x), toFloat64(right_hip_y) - toFloat64(right_knee_y), toFloat64(right_hip_z) - toFloat64(right_knee_z)),
                    (toFloat64(right_ankle_x) - toFloat64(right_knee_x), toFloat64(right_ankle_y) - toFloat64(right_knee_y), toFloat64(right_ankle_z) - toFloat64(right_knee_z))
                ),
                NULL
            ) AS right_knee,
            if(
                least(ifNull(left_knee_visibility, 1), ifNull(left_ankle_visibility, 1), ifNull(left_foot_index_visibility, 1)) >= 0.5,
                angle_between(
                    (toFloat64(left_knee_x) - toFloat64(left_ankle_x), toFloat64(left_knee_y) - toFloat64(left_ankle_y), toFloat64(left_knee_z) - toFloat64(left_ankle_z)),
                    (toFloat64(left_foot_index_x) - toFloat64(left_ankle_x), toFloat64(left_foot_index_y) - toFloat64(left_ankle_y), toFloat64(left_foot_index_z) - toFloat64(left_ankle_z))
                ),
                NULL
            ) AS left_ankle,
            if(
                least(ifNull(right_knee_visibility, 1), ifNull(right_ankle_visibility, 1), ifNull(right_foot_index_visibility, 1)) >= 0.5,
                angle_between(
                    (toFloat64(right_knee_x) - toFloat64(right_ankle_x), toFloat64(right_knee_y) - toFloat64(right_ankle_y), toFloat64(right_knee_z) - toFloat64(right_ankle_z)),
                    (toFloat64(right_foot_index_x) - toFloat64(right_ankle_x), toFloat64(right_foot_index_y) - toFloat64(right_ankle_y), toFloat64(right_foot_index_z) - toFloat64(right_ankle_z))
                ),
                NULL
            ) AS right_ankle
        FROM
            (
                SELECT *
                FROM pose_tracking_frames_live
                WHERE (session_id, org_id) IN (
                    SELECT session_id, org_id
                    FROM pose_tracking_frames_live
                    WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
                )
                ORDER BY received_at, ingested_at, batch_id
                LIMIT 1 BY org_id, session_id, frame_no
            )
        WINDOW in_order AS (PARTITION BY org_id, session_id ORDER BY occurred_at, frame_no)
    ) AS base
GROUP BY org_id, session_id
HAVING started_at >= {since:DateTime64(3, 'UTC')} AND started_at < {until:DateTime64(3, 'UTC')};
