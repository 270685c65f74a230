-- The last 24 hours of players' events by minute, merged or not: for a wall screen and an alert, not for a report.
CREATE OR REPLACE VIEW live_media AS
SELECT org_id, minute, event, sum(m.events) AS events
FROM live_media_by_minute AS m
WHERE minute >= toDateTime(telemetry_now(), 'UTC') - toIntervalDay(1)
GROUP BY org_id, minute, event;
