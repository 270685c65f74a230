-- The last 24 hours of the API by minute, merged or not: for a wall screen and an alert, not for a report.
CREATE OR REPLACE VIEW live_api AS
SELECT
    org_id,
    minute,
    route,
    method,
    sum(a.requests) AS requests,
    sum(a.server_errors) AS server_errors,
    quantilesTDigestMerge(0.5, 0.95)(duration_ms_quantiles)[1] AS median_ms,
    quantilesTDigestMerge(0.5, 0.95)(duration_ms_quantiles)[2] AS p95_ms
FROM live_api_by_minute AS a
WHERE minute >= toDateTime(telemetry_now(), 'UTC') - toIntervalDay(1)
GROUP BY org_id, minute, route, method;
