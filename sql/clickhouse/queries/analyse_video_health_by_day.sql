-- How well video plays, by day and one dimension.
SELECT
    toDateTime64(health.day, 3, 'UTC') AS day,
    value,
    sessions,
    completed_share,
    fatal_share,
    stalled_share,
    stalls_per_session,
    mean_ttfb_ms,
    p95_ttfb_ms,
    p95_startup_ms
FROM video_health_daily AS health
WHERE org_id = {org:String} AND dimension = {dimension:String} AND health.day >= {since:Date} AND health.day < {until:Date}
ORDER BY health.day, value;
