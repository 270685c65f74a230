-- What people may see of staff_metrics: nothing that has expired, whether or not it was removed.
CREATE OR REPLACE VIEW staff_metrics_live AS
SELECT *
FROM staff_metrics
WHERE occurred_at >= telemetry_now() - toIntervalYear(1);
