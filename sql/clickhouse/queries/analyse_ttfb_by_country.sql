-- How long people wait for the first byte, by country, over a whole period.
SELECT
    value AS country_code,
    sessions,
    mean_ttfb_ms,
    p50_ttfb_ms,
    p95_ttfb_ms
FROM video_health_between(since = {since:Date}, until = {until:Date})
WHERE org_id = {org:String} AND dimension = 'country_code'
ORDER BY sessions DESC, country_code;
