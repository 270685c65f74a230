-- What people may see of consent_drops: nothing that has expired, whether or not it was removed.
CREATE OR REPLACE VIEW consent_drops_live AS
SELECT *
FROM consent_drops
WHERE received_at >= telemetry_now() - toIntervalYear(2);
