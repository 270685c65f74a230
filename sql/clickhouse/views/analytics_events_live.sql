-- What people may see of analytics_events: nothing that has expired, whether or not it was removed.
CREATE OR REPLACE VIEW analytics_events_live AS
SELECT *
FROM analytics_events
WHERE occurred_at >= telemetry_now() - toIntervalYear(2);
