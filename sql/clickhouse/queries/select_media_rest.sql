-- All media of each value of a dimension, with the persons behind them: which of them may be shown is told from all of them
-- together, since what is shown can be taken from the total.
SELECT
    v.value AS value,
    v.media_id AS media_id,
    sum(v.sessions) AS n,
    groupUniqArrayArray(v.few_actors) AS marks
FROM media_health_hourly AS v
WHERE v.org_id = {org:String}
    AND v.dimension = {dimension:String}
    AND v.hour >= {since:DateTime64(3, 'UTC')}
    AND v.hour < {until:DateTime64(3, 'UTC')}
    AND toDate(v.hour) > toDate(telemetry_now() - toIntervalYear(2))
GROUP BY value, media_id;
