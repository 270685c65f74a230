-- Requests of the Core API by method and route, of all whole UTC days from `since` until before `until`.
--
-- They concern no person: nothing is withheld.
-- Which days count: see video_health_daily.
CREATE OR REPLACE VIEW api_health_between
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    base.org_id AS org_id,
    base.method AS method,
    base.route AS route,
    sum(base.requests) AS requests,
    sum(base.client_errors) / sum(base.requests) AS client_error_share,
    sum(base.server_errors) / sum(base.requests) AS server_error_share,
    sum(base.duration_ms_sum) / sum(base.requests) AS mean_duration_ms,
    histogram_quantile(0.5, sumForEach(base.duration_ms_histogram)) AS p50_duration_ms,
    histogram_quantile(0.95, sumForEach(base.duration_ms_histogram)) AS p95_duration_ms,
    histogram_quantile(0.99, sumForEach(base.duration_ms_histogram)) AS p99_duration_ms
FROM api_health_hourly AS base
WHERE toDate(base.hour) > toDate(telemetry_now() - toIntervalYear(1))
    AND toDate(base.hour) < toDate(telemetry_now())
    AND toDate(base.hour) >= {since:Date}
    AND toDate(base.hour) < {until:Date}
GROUP BY org_id, method, route;
