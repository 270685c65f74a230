-- Stalls of a tenant over a stretch of whole hours, of one value of a dimension, by cause.
SELECT
    v.cause AS cause,
    sum(v.stalls) AS stalls,
    sum(v.open_stalls) AS open_stalls,
    sum(v.duration_ms_sum) AS duration_ms_sum,
    sumForEach(v.duration_ms_histogram) AS duration_ms_histogram,
    histogram_quantile(0.95, sumForEach(v.duration_ms_histogram)) AS duration_ms_p95,
    groupUniqArrayArray(v.few_actors) AS marks
FROM stalls_hourly AS v
WHERE v.org_id = {org:String}
    AND v.dimension = {dimension:String}
    AND v.value = {value:String}
    AND v.hour >= {since:DateTime64(3, 'UTC')}
    AND v.hour < {until:DateTime64(3, 'UTC')}
    AND toDate(v.hour) > toDate(telemetry_now() - toIntervalYear(1))
GROUP BY cause
ORDER BY stalls DESC, cause;
