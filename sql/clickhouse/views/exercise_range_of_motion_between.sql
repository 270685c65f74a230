-- How far joints move in each exercise, of all whole UTC days from `since` until before `until`, which are one group;
--   small groups withheld.
--
-- A session tells an angle's 2.5th and 97.5th percentile; here are their means over sessions, and of what lies between.
-- The rule is `is_group_shown`, over the exercises in which an angle was measured. Which days count: see
--   video_health_daily.
CREATE OR REPLACE VIEW exercise_range_of_motion_between
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    gathered AS
    (
        SELECT
            base.org_id AS org_id,
            base.exercise_id AS exercise_id,
            measured.1 AS angle,
            count() AS size,
            shown_mean(sum(assumeNotNull(measured.2)), count()) AS mean_min_deg,
            shown_mean(sum(assumeNotNull(measured.3)), count()) AS mean_max_deg,
            shown_mean(sum(assumeNotNull(measured.3) - assumeNotNull(measured.2)), count()) AS mean_range_deg,
            groupUniqArrayIf(actor_mark(base.key_epoch, base.actor_hash), base.actor_hash != '') AS marks
        FROM pose_sessions AS base
        ARRAY JOIN
            [
                ('left_elbow', base.left_elbow_min_deg, base.left_elbow_max_deg),
                ('right_elbow', base.right_elbow_min_deg, base.right_elbow_max_deg),
                ('left_shoulder', base.left_shoulder_min_deg, base.left_shoulder_max_deg),
                ('right_shoulder', base.right_shoulder_min_deg, base.right_shoulder_max_deg),
                ('left_hip', base.left_hip_min_deg, base.left_hip_max_deg),
                ('right_hip', base.right_hip_min_deg, base.right_hip_max_deg),
                ('left_knee', base.left_knee_min_deg, base.left_knee_max_deg),
                ('right_knee', base.right_knee_min_deg, base.right_knee_max_deg),
                ('left_ankle', base.left_ankle_min_deg, base.left_ankle_max_deg),
                ('right_ankle', base.right_ankle_min_deg, base.right_ankle_max_deg)
            ] AS measured
        WHERE measured.2 IS NOT NULL
            AND measured.3 IS NOT NULL
            AND toDate(base.started_at) > toDate(telemetry_now() - toIntervalMonth(6))
            AND toDate(base.started_at) < toDate(telemetry_now())
            AND toDate(base.started_at) >= {since:Date}
            AND toDate(base.started_at) < {until:Date}
        GROUP BY org_id, exercise_id, angle
    ),
    placed AS
    (
        SELECT
            *,
            groupUniqArrayArray(marks) OVER earlier AS marks_before,
            max(largest_epoch_count(marks) < 5) OVER earlier AS small_before
        FROM gathered
        WINDOW earlier AS (
            PARTITION BY org_id, angle
            ORDER BY largest_epoch_count(marks) < 5 DESC, size, exercise_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
SELECT
    org_id,
    exercise_id,
    angle,
    shown_count(size) AS sessions,
    mean_min_deg,
    mean_max_deg,
    mean_range_deg
FROM placed
WHERE is_group_shown(marks, small_before, marks_before);
