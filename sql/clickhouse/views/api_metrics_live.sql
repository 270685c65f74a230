-- What people may see of api_metrics: nothing that has expired, whether or not it was removed.
CREATE OR REPLACE VIEW api_metrics_live AS
SELECT *
FROM api_metrics
WHERE occurred_at >= telemetry_now() - toIntervalYear(1);
