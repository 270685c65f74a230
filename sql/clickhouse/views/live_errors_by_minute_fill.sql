-- Fills live_errors_by_minute with each insert: see live_api_by_minute_fill.
CREATE MATERIALIZED VIEW IF NOT EXISTS live_errors_by_minute_fill TO live_errors_by_minute AS
SELECT
    org_id,
    toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS minute,
    source,
    toUInt64(count()) AS errors,
    toUInt64(countIf(fatal)) AS fatal
FROM error_events
GROUP BY org_id, minute, source;
