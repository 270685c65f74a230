-- What people may see of media_events: nothing that has expired, whether or not it was removed.
CREATE OR REPLACE VIEW media_events_live AS
SELECT *
FROM media_events
WHERE occurred_at >= telemetry_now() - toIntervalDay(90);
