-- The same of one medium.
SELECT
    v.value AS value,
    sum(v.sessions) AS sessions,
    sum(v.started) AS started,
    sum(v.completed) AS completed,
    sum(v.abandoned) AS abandoned,
    sum(v.fatal_sessions) AS fatal_sessions,
    sum(v.stalled_sessions) AS stalled_sessions,
    sum(v.never_played) AS never_played,
    sum(v.error_count) AS error_count,
    sum(v.ttfb_ms_count) AS ttfb_ms_count,
    sum(v.ttfb_ms_sum) AS ttfb_ms_sum,
    sum(v.load_ms_count) AS load_ms_count,
    sum(v.load_ms_sum) AS load_ms_sum,
    sum(v.startup_ms_count) AS startup_ms_count,
    sum(v.startup_ms_sum) AS startup_ms_sum,
    sum(v.stall_count) AS stall_count,
    sum(v.stall_ms) AS stall_ms,
    sum(v.buffering_count_count) AS buffering_count_count,
    sum(v.buffering_count_sum) AS buffering_count_sum,
    sum(v.buffering_duration_ms_count) AS buffering_duration_ms_count,
    sum(v.buffering_duration_ms_sum) AS buffering_duration_ms_sum,
    sum(v.watched_seconds) AS watched_seconds,
    sum(v.bitrate_seconds) AS bitrate_seconds,
    sum(v.bitrate_weight) AS bitrate_weight,
    sum(v.completion_count) AS completion_count,
    sum(v.completion_sum) AS completion_sum,
    sum(v.startup_score_count) AS startup_score_count,
    sum(v.startup_score_sum) AS startup_score_sum,
    sum(v.smoothness_score_count) AS smoothness_score_count,
    sum(v.smoothness_score_sum) AS smoothness_score_sum,
    sum(v.success_score_count) AS success_score_count,
    sum(v.success_score_sum) AS success_score_sum,
    sumForEach(v.ttfb_ms_histogram) AS ttfb_ms_histogram,
    sumForEach(v.load_ms_histogram) AS load_ms_histogram,
    sumForEach(v.startup_ms_histogram) AS startup_ms_histogram,
    histogram_quantile(0.95, sumForEach(v.ttfb_ms_histogram)) AS ttfb_ms_p95,
    histogram_quantile(0.95, sumForEach(v.load_ms_histogram)) AS load_ms_p95,
    histogram_quantile(0.95, sumForEach(v.startup_ms_histogram)) AS startup_ms_p95,
    groupUniqArrayArray(v.few_actors) AS marks
FROM media_health_hourly AS v
WHERE v.org_id = {org:String}
    AND v.media_id = {media:String}
    AND v.dimension = {dimension:String}
    AND v.hour >= {since:DateTime64(3, 'UTC')}
    AND v.hour < {until:DateTime64(3, 'UTC')}
    AND toDate(v.hour) > toDate(telemetry_now() - toIntervalYear(2))
GROUP BY value
ORDER BY sessions DESC, value;
