-- How often what was seen, by hour: without tenants, persons and addresses. Expired rows are not counted.
CREATE OR REPLACE VIEW standing.security_events AS
SELECT date_trunc('hour', e.recorded_at, 'UTC') AS hour, e.type, e.severity, count(*) AS events
FROM security.security_events AS e
WHERE e.recorded_at >= audit.visible_from('security.security_events')
GROUP BY 1, 2, 3;

COMMENT ON VIEW standing.security_events IS 'Security events by hour, type and severity.';
