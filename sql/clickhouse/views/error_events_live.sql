-- What people may see of error_events: nothing that has expired, whether or not it was removed.
CREATE OR REPLACE VIEW error_events_live AS
SELECT *
FROM error_events
WHERE occurred_at >= telemetry_now() - toIntervalYear(1);
