-- Requests of a tenant over a stretch of whole hours, by method and route.
SELECT
    v.method AS method,
    v.route AS route,
    sum(v.requests) AS requests,
    sum(v.client_errors) AS client_errors,
    sum(v.server_errors) AS server_errors,
    sum(v.duration_ms_sum) AS duration_ms_sum,
    histogram_quantile(0.5, sumForEach(v.duration_ms_histogram)) AS duration_ms_p50,
    histogram_quantile(0.95, sumForEach(v.duration_ms_histogram)) AS duration_ms_p95,
    histogram_quantile(0.99, sumForEach(v.duration_ms_histogram)) AS duration_ms_p99
FROM api_health_hourly AS v
WHERE v.org_id = {org:String}
    AND ({route:String} = '' OR v.route = {route:String})
    AND v.hour >= {since:DateTime64(3, 'UTC')}
    AND v.hour < {until:DateTime64(3, 'UTC')}
    AND toDate(v.hour) > toDate(telemetry_now() - toIntervalYear(1))
GROUP BY method, route
ORDER BY requests DESC, route, method
LIMIT {most:UInt32};
