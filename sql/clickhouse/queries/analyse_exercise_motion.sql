-- How far joints move in each exercise, by day.
SELECT
    toDateTime64(motion.day, 3, 'UTC') AS day,
    exercise_id,
    angle,
    sessions,
    mean_min_deg,
    mean_max_deg,
    mean_range_deg
FROM exercise_range_of_motion AS motion
WHERE org_id = {org:String} AND motion.day >= {since:Date} AND motion.day < {until:Date}
ORDER BY motion.day, exercise_id, angle;
