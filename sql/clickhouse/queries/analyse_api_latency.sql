-- How long answers of the Core API take, by method and route, over a whole period.
SELECT
    method,
    route,
    requests,
    client_error_share,
    server_error_share,
    mean_duration_ms,
    p50_duration_ms,
    p95_duration_ms,
    p99_duration_ms
FROM api_health_between(since = {since:Date}, until = {until:Date})
WHERE org_id = {org:String}
ORDER BY requests DESC, route, method;
