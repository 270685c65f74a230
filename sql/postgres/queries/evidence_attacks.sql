-- Security events of a period by day: counts.
SELECT (recorded_at AT TIME ZONE 'UTC')::date AS day, type, severity, rule_id, count(*) AS events
FROM security.security_events
WHERE recorded_at >= %(begins)s::timestamptz AND recorded_at < %(ends)s::timestamptz
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4;
