-- The answer that pose_sessions must hold for a day, in another way: the first copy by argMin, angles by the dot
-- product, gaps from sorted lists.
WITH
    frames_once AS
    (
        SELECT
            org_id,
            session_id,
            frame_no,
            argMin(occurred_at, copy) AS its_occurred_at,
            argMin(received_at, copy) AS its_received_at,
            argMin(actor_hash, copy) AS its_actor_hash,
            argMin(key_epoch, copy) AS its_key_epoch,
            argMin(exercise_id, copy) AS its_exercise_id,
            argMin(device_type, copy) AS its_device_type,
            argMin((toFloat64(left_ankle_x), toFloat64(left_ankle_y), toFloat64(left_ankle_z)), copy) AS
                left_ankle,
            argMin((toFloat64(left_elbow_x), toFloat64(left_elbow_y), toFloat64(left_elbow_z)), copy) AS
                left_elbow,
            argMin((toFloat64(left_foot_index_x), toFloat64(left_foot_index_y), toFloat64(left_foot_index_z)),
                copy) AS left_foot_index,
            argMin((toFloat64(left_hip_x), toFloat64(left_hip_y), toFloat64(left_hip_z)), copy) AS left_hip,
            argMin((toFloat64(left_knee_x), toFloat64(left_knee_y), toFloat64(left_knee_z)), copy) AS left_knee,
            argMin((toFloat64(left_shoulder_x), toFloat64(left_shoulder_y), toFloat64(left_shoulder_z)), copy)
                AS left_shoulder,
            argMin((toFloat64(left_wrist_x), toFloat64(left_wrist_y), toFloat64(left_wrist_z)), copy) AS
                left_wrist,
            argMin((toFloat64(right_ankle_x), toFloat64(right_ankle_y), toFloat64(right_ankle_z)), copy) AS
                right_ankle,
            argMin((toFloat64(right_elbow_x), toFloat64(right_elbow_y), toFloat64(right_elbow_z)), copy) AS
                right_elbow,
            argMin((toFloat64(right_foot_index_x), toFloat64(right_foot_index_y),
                toFloat64(right_foot_index_z)), copy) AS right_foot_index,
            argMin((toFloat64(right_hip_x), toFloat64(right_hip_y), toFloat64(right_hip_z)), copy) AS right_hip,
            argMin((toFloat64(right_knee_x), toFloat64(right_knee_y), toFloat64(right_knee_z)), copy) AS
                right_knee,
            argMin((toFloat64(right_shoulder_x), toFloat64(right_shoulder_y), toFloat64(right_shoulder_z)),
                copy) AS right_shoulder,
            argMin((toFloat64(right_wrist_x), toFloat64(right_wrist_y), toFloat64(right_wrist_z)), copy) AS
                right_wrist,
            argMin([tuple(nose_visibility), tuple(left_eye_inner_visibility), tuple(left_eye_visibility),
                tuple(left_eye_outer_visibility), tuple(right_eye_inner_visibility),
                tuple(right_eye_visibility), tuple(right_eye_outer_visibility), tuple(left_ear_visibility),
                tuple(right_ear_visibility), tuple(mouth_left_visibility), tuple(mouth_right_visibility),
                tuple(left_shoulder_visibility), tuple(right_shoulder_visibility), tuple(left_elbow_visibility),
                tuple(right_elbow_visibility), tuple(left_wrist_visibility), tuple(right_wrist_visibility),
                tuple(left_pinky_visibility), tuple(right_pinky_visibility), tuple(left_index_visibility),
                tuple(right_index_visibility), tuple(left_thumb_visibility), tuple(right_thumb_visibility),
                tuple(left_hip_visibility), tuple(right_hip_visibility), tuple(left_knee_visibility),
                tuple(right_knee_visibility), tuple(left_ankle_visibility), tuple(right_ankle_visibility),
                tuple(left_heel_visibility), tuple(right_heel_visibility), tuple(left_foot_index_visibility),
                tuple(right_foot_index_visibility)], copy) AS seen
        FROM
            (
                SELECT *, (received_at, ingested_at, batch_id) AS copy
                FROM pose_tracking_frames
                WHERE occurred_at >= telemetry_now() - toIntervalMonth(6)
            )
        WHERE (session_id, org_id) IN (
            SELECT session_id, org_id
            FROM pose_tracking_frames_live
            WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
        )
        GROUP BY org_id, session_id, frame_no
    ),
    measured AS
    (
        SELECT
            *,
            if(ifNull(seen[12].1, 1) >= 0.5 AND ifNull(seen[14].1, 1) >= 0.5 AND ifNull(seen[16].1, 1) >= 0.5
                AND (pow(left_shoulder.1 - left_elbow.1, 2) + pow(left_shoulder.2 - left_elbow.2, 2) +
                pow(left_shoulder.3 - left_elbow.3, 2)) > 0 AND (pow(left_wrist.1 - left_elbow.1, 2) +
                pow(left_wrist.2 - left_elbow.2, 2) + pow(left_wrist.3 - left_elbow.3, 2)) > 0,
                acos(greatest(-1., least(1., ((left_shoulder.1 - left_elbow.1) * (left_wrist.1 - left_elbow.1) +
                (left_shoulder.2 - left_elbow.2) * (left_wrist.2 - left_elbow.2) + (left_shoulder.3 -
                left_elbow.3) * (left_wrist.3 - left_elbow.3)) / sqrt((pow(left_shoulder.1 - left_elbow.1, 2) +
                pow(left_shoulder.2 - left_elbow.2, 2) + pow(left_shoulder.3 - left_elbow.3, 2)) *
                (pow(left_wrist.1 - left_elbow.1, 2) + pow(left_wrist.2 - left_elbow.2, 2) + pow(left_wrist.3 -
                left_elbow.3, 2)))))) * 180 / pi(), NULL) AS left_elbow_angle,
            if(ifNull(seen[13].1, 1) >= 0.5 AND ifNull(seen[15].1, 1) >= 0.5 AND ifNull(seen[17].1, 1) >= 0.5
                AND (pow(right_shoulder.1 - right_elbow.1, 2) + pow(right_shoulder.2 - right_elbow.2, 2) +
                pow(right_shoulder.3 - right_elbow.3, 2)) > 0 AND (pow(right_wrist.1 - right_elbow.1, 2) +
                pow(right_wrist.2 - right_elbow.2, 2) + pow(right_wrist.3 - right_elbow.3, 2)) > 0,
                acos(greatest(-1., least(1., ((right_shoulder.1 - right_elbow.1) * (right_wrist.1 -
                right_elbow.1) + (right_shoulder.2 - right_elbow.2) * (right_wrist.2 - right_elbow.2) +
                (right_shoulder.3 - right_elbow.3) * (right_wrist.3 - right_elbow.3)) /
                sqrt((pow(right_shoulder.1 - right_elbow.1, 2) + pow(right_shoulder.2 - right_elbow.2, 2) +
                pow(right_shoulder.3 - right_elbow.3, 2)) * (pow(right_wrist.1 - right_elbow.1, 2) +
                pow(right_wrist.2 - right_elbow.2, 2) + pow(right_wrist.3 - right_elbow.3, 2)))))) * 180 / pi(),
                NULL) AS right_elbow_angle,
            if(ifNull(seen[14].1, 1) >= 0.5 AND ifNull(seen[12].1, 1) >= 0.5 AND ifNull(seen[24].1, 1) >= 0.5
                AND (pow(left_elbow.1 - left_shoulder.1, 2) + pow(left_elbow.2 - left_shoulder.2, 2) +
                pow(left_elbow.3 - left_shoulder.3, 2)) > 0 AND (pow(left_hip.1 - left_shoulder.1, 2) +
                pow(left_hip.2 - left_shoulder.2, 2) + pow(left_hip.3 - left_shoulder.3, 2)) > 0,
                acos(greatest(-1., least(1., ((left_elbow.1 - left_shoulder.1) * (left_hip.1 - left_shoulder.1)
                + (left_elbow.2 - left_shoulder.2) * (left_hip.2 - left_shoulder.2) + (left_elbow.3 -
                left_shoulder.3) * (left_hip.3 - left_shoulder.3)) / sqrt((pow(left_elbow.1 - left_shoulder.1,
                2) + pow(left_elbow.2 - left_shoulder.2, 2) + pow(left_elbow.3 - left_shoulder.3, 2)) *
                (pow(left_hip.1 - left_shoulder.1, 2) + pow(left_hip.2 - left_shoulder.2, 2) + pow(left_hip.3 -
                left_shoulder.3, 2)))))) * 180 / pi(), NULL) AS left_shoulder_angle,
            if(ifNull(seen[15].1, 1) >= 0.5 AND ifNull(seen[13].1, 1) >= 0.5 AND ifNull(seen[25].1, 1) >= 0.5
                AND (pow(right_elbow.1 - right_shoulder.1, 2) + pow(right_elbow.2 - right_shoulder.2, 2) +
                pow(right_elbow.3 - right_shoulder.3, 2)) > 0 AND (pow(right_hip.1 - right_shoulder.1, 2) +
                pow(right_hip.2 - right_shoulder.2, 2) + pow(right_hip.3 - right_shoulder.3, 2)) > 0,
                acos(greatest(-1., least(1., ((right_elbow.1 - right_shoulder.1) * (right_hip.1 -
                right_shoulder.1) + (right_elbow.2 - right_shoulder.2) * (right_hip.2 - right_shoulder.2) +
                (right_elbow.3 - right_shoulder.3) * (right_hip.3 - right_shoulder.3)) / sqrt((pow(right_elbow.1
                - right_shoulder.1, 2) + pow(right_elbow.2 - right_shoulder.2, 2) + pow(right_elbow.3 -
                right_shoulder.3, 2)) * (pow(right_hip.1 - right_shoulder.1, 2) + pow(right_hip.2 -
                right_shoulder.2, 2) + pow(right_hip.3 - right_shoulder.3, 2)))))) * 180 / pi(), NULL) AS
                right_shoulder_angle,
            if(ifNull(seen[12].1, 1) >= 0.5 AND ifNull(seen[24].1, 1) >= 0.5 AND ifNull(seen[26].1, 1) >= 0.5
                AND (pow(left_shoulder.1 - left_hip.1, 2) + pow(left_shoulder.2 - left_hip.2, 2) +
                pow(left_shoulder.3 - left_hip.3, 2)) > 0 AND (pow(left_knee.1 - left_hip.1, 2) +
                pow(left_knee.2 - left_hip.2, 2) + pow(left_knee.3 - left_hip.3, 2)) > 0, acos(greatest(-1.,
                least(1., ((left_shoulder.1 - left_hip.1) * (left_knee.1 - left_hip.1) + (left_shoulder.2 -
                left_hip.2) * (left_knee.2 - left_hip.2) + (left_shoulder.3 - left_hip.3) * (left_knee.3 -
                left_hip.3)) / sqrt((pow(left_shoulder.1 - left_hip.1, 2) + pow(left_shoulder.2 - left_hip.2, 2)
                + pow(left_shoulder.3 - left_hip.3, 2)) * (pow(left_knee.1 - left_hip.1, 2) + pow(left_knee.2 -
                left_hip.2, 2) + pow(left_knee.3 - left_hip.3, 2)))))) * 180 / pi(), NULL) AS left_hip_angle,
            if(ifNull(seen[13].1, 1) >= 0.5 AND ifNull(seen[25].1, 1) >= 0.5 AND ifNull(seen[27].1, 1) >= 0.5
                AND (pow(right_shoulder.1 - right_hip.1, 2) + pow(right_shoulder.2 - right_hip.2, 2) +
                pow(right_shoulder.3 - right_hip.3, 2)) > 0 AND (pow(right_knee.1 - right_hip.1, 2) +
                pow(right_knee.2 - right_hip.2, 2) + pow(right_knee.3 - right_hip.3, 2)) > 0, acos(greatest(-1.,
                least(1., ((right_shoulder.1 - right_hip.1) * (right_knee.1 - right_hip.1) + (right_shoulder.2 -
                right_hip.2) * (right_knee.2 - right_hip.2) + (right_shoulder.3 - right_hip.3) * (right_knee.3 -
                right_hip.3)) / sqrt((pow(right_shoulder.1 - right_hip.1, 2) + pow(right_shoulder.2 -
                right_hip.2, 2) + pow(right_shoulder.3 - right_hip.3, 2)) * (pow(right_knee.1 - right_hip.1, 2)
                + pow(right_knee.2 - right_hip.2, 2) + pow(right_knee.3 - right_hip.3, 2)))))) * 180 / pi(),
                NULL) AS right_hip_angle,
            if(ifNull(seen[24].1, 1) >= 0.5 AND ifNull(seen[26].1, 1) >= 0.5 AND ifNull(seen[28].1, 1) >= 0.5
                AND (pow(left_hip.1 - left_knee.1, 2) + pow(left_hip.2 - left_knee.2, 2) + pow(left_hip.3 -
                left_knee.3, 2)) > 0 AND (pow(left_ankle.1 - left_knee.1, 2) + pow(left_ankle.2 - left_knee.2,
                2) + pow(left_ankle.3 - left_knee.3, 2)) > 0, acos(greatest(-1., least(1., ((left_hip.1 -
                left_knee.1) * (left_ankle.1 - left_knee.1) + (left_hip.2 - left_knee.2) * (left_ankle.2 -
                left_knee.2) + (left_hip.3 - left_knee.3) * (left_ankle.3 - left_knee.3)) / sqrt((pow(left_hip.1
                - left_knee.1, 2) + pow(left_hip.2 - left_knee.2, 2) + pow(left_hip.3 - left_knee.3, 2)) *
                (pow(left_ankle.1 - left_knee.1, 2) + pow(left_ankle.2 - left_knee.2, 2) + pow(left_ankle.3 -
                left_knee.3, 2)))))) * 180 / pi(), NULL) AS left_knee_angle,
            if(ifNull(seen[25].1, 1) >= 0.5 AND ifNull(seen[27].1, 1) >= 0.5 AND ifNull(seen[29].1, 1) >= 0.5
                AND (pow(right_hip.1 - right_knee.1, 2) + pow(right_hip.2 - right_knee.2, 2) + pow(right_hip.3 -
                right_knee.3, 2)) > 0 AND (pow(right_ankle.1 - right_knee.1, 2) + pow(right_ankle.2 -
                right_knee.2, 2) + pow(right_ankle.3 - right_knee.3, 2)) > 0, acos(greatest(-1., least(1.,
                ((right_hip.1 - right_knee.1) * (right_ankle.1 - right_knee.1) + (right_hip.2 - right_knee.2) *
                (right_ankle.2 - right_knee.2) + (right_hip.3 - right_knee.3) * (right_ankle.3 - right_knee.3))
                / sqrt((pow(right_hip.1 - right_knee.1, 2) + pow(right_hip.2 - right_knee.2, 2) +
                pow(right_hip.3 - right_knee.3, 2)) * (pow(right_ankle.1 - right_knee.1, 2) + pow(right_ankle.2
                - right_knee.2, 2) + pow(right_ankle.3 - right_knee.3, 2)))))) * 180 / pi(), NULL) AS
                right_knee_angle,
            if(ifNull(seen[26].1, 1) >= 0.5 AND ifNull(seen[28].1, 1) >= 0.5 AND ifNull(seen[32].1, 1) >= 0.5
                AND (pow(left_knee.1 - left_ankle.1, 2) + pow(left_knee.2 - left_ankle.2, 2) + pow(left_knee.3 -
                left_ankle.3, 2)) > 0 AND (pow(left_foot_index.1 - left_ankle.1, 2) + pow(left_foot_index.2 -
                left_ankle.2, 2) + pow(left_foot_index.3 - left_ankle.3, 2)) > 0, acos(greatest(-1., least(1.,
                ((left_knee.1 - left_ankle.1) * (left_foot_index.1 - left_ankle.1) + (left_knee.2 -
                left_ankle.2) * (left_foot_index.2 - left_ankle.2) + (left_knee.3 - left_ankle.3) *
                (left_foot_index.3 - left_ankle.3)) / sqrt((pow(left_knee.1 - left_ankle.1, 2) + pow(left_knee.2
                - left_ankle.2, 2) + pow(left_knee.3 - left_ankle.3, 2)) * (pow(left_foot_index.1 -
                left_ankle.1, 2) + pow(left_foot_index.2 - left_ankle.2, 2) + pow(left_foot_index.3 -
                left_ankle.3, 2)))))) * 180 / pi(), NULL) AS left_ankle_angle,
            if(ifNull(seen[27].1, 1) >= 0.5 AND ifNull(seen[29].1, 1) >= 0.5 AND ifNull(seen[33].1, 1) >= 0.5
                AND (pow(right_knee.1 - right_ankle.1, 2) + pow(right_knee.2 - right_ankle.2, 2) +
                pow(right_knee.3 - right_ankle.3, 2)) > 0 AND (pow(right_foot_index.1 - right_ankle.1, 2) +
                pow(right_foot_index.2 - right_ankle.2, 2) + pow(right_foot_index.3 - right_ankle.3, 2)) > 0,
                acos(greatest(-1., least(1., ((right_knee.1 - right_ankle.1) * (right_foot_index.1 -
                right_ankle.1) + (right_knee.2 - right_ankle.2) * (right_foot_index.2 - right_ankle.2) +
                (right_knee.3 - right_ankle.3) * (right_foot_index.3 - right_ankle.3)) / sqrt((pow(right_knee.1
                - right_ankle.1, 2) + pow(right_knee.2 - right_ankle.2, 2) + pow(right_knee.3 - right_ankle.3,
                2)) * (pow(right_foot_index.1 - right_ankle.1, 2) + pow(right_foot_index.2 - right_ankle.2, 2) +
                pow(right_foot_index.3 - right_ankle.3, 2)))))) * 180 / pi(), NULL) AS right_ankle_angle
        FROM frames_once
    )
SELECT
    org_id,
    session_id,
    min(its_occurred_at) AS started_at,
    min(its_received_at) AS received_at,
    arraySort(groupArray((frame_no, its_actor_hash)))[1].2 AS actor_hash,
    arraySort(groupArray((frame_no, its_key_epoch)))[1].2 AS key_epoch,
    arraySort(groupArray((frame_no, its_exercise_id)))[1].2 AS exercise_id,
    arraySort(groupArray((frame_no, its_device_type)))[1].2 AS device_type,
    max(its_occurred_at) AS ended_at,
    uniqExact(frame_no) AS frames,
    length(range(toUInt64(min(frame_no)), toUInt64(max(frame_no)) + 1)) - uniqExact(frame_no) AS missing_frames,
    toFloat64(arrayMax(arrayDifference(
        arrayMap(moment -> toUnixTimestamp64Milli(moment), arraySort(groupArray(its_occurred_at)))
    ))) AS largest_gap_ms,
    toFloat64(toUnixTimestamp64Milli(ended_at) - toUnixTimestamp64Milli(started_at)) AS duration_ms,
    arrayMap(
        place -> toFloat32(ifNull(arrayAvg(arrayMap(
            of_frame -> toFloat64(ifNull(of_frame[place].1, 0)),
            arrayFilter(of_frame -> of_frame[place].1 IS NOT NULL, groupArray(seen))
        )), 0)),
        range(1, 34)
    ) AS visibility,
    arrayMap(
        place -> toUInt32(arrayCount(of_frame -> of_frame[place].1 IS NOT NULL, groupArray(seen))), range(1, 34)
    ) AS visibility_frames,
    quantileExactInclusiveOrNull(0.025)(left_elbow_angle) AS left_elbow_min_deg,
    quantileExactInclusiveOrNull(0.975)(left_elbow_angle) AS left_elbow_max_deg,
    quantileExactInclusiveOrNull(0.025)(right_elbow_angle) AS right_elbow_min_deg,
    quantileExactInclusiveOrNull(0.975)(right_elbow_angle) AS right_elbow_max_deg,
    quantileExactInclusiveOrNull(0.025)(left_shoulder_angle) AS left_shoulder_min_deg,
    quantileExactInclusiveOrNull(0.975)(left_shoulder_angle) AS left_shoulder_max_deg,
    quantileExactInclusiveOrNull(0.025)(right_shoulder_angle) AS right_shoulder_min_deg,
    quantileExactInclusiveOrNull(0.975)(right_shoulder_angle) AS right_shoulder_max_deg,
    quantileExactInclusiveOrNull(0.025)(left_hip_angle) AS left_hip_min_deg,
    quantileExactInclusiveOrNull(0.975)(left_hip_angle) AS left_hip_max_deg,
    quantileExactInclusiveOrNull(0.025)(right_hip_angle) AS right_hip_min_deg,
    quantileExactInclusiveOrNull(0.975)(right_hip_angle) AS right_hip_max_deg,
    quantileExactInclusiveOrNull(0.025)(left_knee_angle) AS left_knee_min_deg,
    quantileExactInclusiveOrNull(0.975)(left_knee_angle) AS left_knee_max_deg,
    quantileExactInclusiveOrNull(0.025)(right_knee_angle) AS right_knee_min_deg,
    quantileExactInclusiveOrNull(0.975)(right_knee_angle) AS right_knee_max_deg,
    quantileExactInclusiveOrNull(0.025)(left_ankle_angle) AS left_ankle_min_deg,
    quantileExactInclusiveOrNull(0.975)(left_ankle_angle) AS left_ankle_max_deg,
    quantileExactInclusiveOrNull(0.025)(right_ankle_angle) AS right_ankle_min_deg,
    quantileExactInclusiveOrNull(0.975)(right_ankle_angle) AS right_ankle_max_deg
FROM measured
GROUP BY org_id, session_id
HAVING started_at >= {since:DateTime64(3, 'UTC')} AND started_at < {until:DateTime64(3, 'UTC')};
