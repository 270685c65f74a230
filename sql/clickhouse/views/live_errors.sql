-- The last 24 hours of errors by minute, merged or not: for a wall screen and an alert, not for a report.
CREATE OR REPLACE VIEW live_errors AS
SELECT org_id, minute, source, sum(e.errors) AS errors, sum(e.fatal) AS fatal
FROM live_errors_by_minute AS e
WHERE minute >= toDateTime(telemetry_now(), 'UTC') - toIntervalDay(1)
GROUP BY org_id, minute, source;
