-- Fills live_media_by_minute with each insert: see live_api_by_minute_fill.
CREATE MATERIALIZED VIEW IF NOT EXISTS live_media_by_minute_fill TO live_media_by_minute AS
SELECT
    org_id,
    toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS minute,
    event,
    toUInt64(count()) AS events
FROM media_events
GROUP BY org_id, minute, event;
