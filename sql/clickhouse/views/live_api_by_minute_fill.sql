-- Fills live_api_by_minute with each insert. Counting and nothing else: what fails here would fail the drain's insert.
CREATE MATERIALIZED VIEW IF NOT EXISTS live_api_by_minute_fill TO live_api_by_minute AS
SELECT
    org_id,
    toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS minute,
    route,
    method,
    toUInt64(count()) AS requests,
    toUInt64(countIf(status_code >= 500)) AS server_errors,
    quantilesTDigestState(0.5, 0.95)(duration_ms) AS duration_ms_quantiles
FROM api_metrics
GROUP BY org_id, minute, route, method;
