-- The errors of sessions, each event once, by what failed. sessions: their keys (see tenant_keys).
--
-- since, until: no session began before the one, or ended after the other; they spare other months.
SELECT
    org_id,
    toString(failed_session) AS session_id,
    source,
    error_code,
    http_status,
    max(is_fatal) AS fatal,
    uniqExact(event_id) AS errors
FROM
(
    SELECT org_id, assumeNotNull(error.session_id) AS failed_session, event_id, source, error_code, http_status,
        error.fatal AS is_fatal
    FROM error_events_live AS error
    WHERE error.session_id IS NOT NULL
        AND (assumeNotNull(error.session_id), org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
        AND occurred_at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
        AND occurred_at <= {until:DateTime64(3, 'UTC')} + INTERVAL 1 HOUR
)
GROUP BY org_id, failed_session, source, error_code, http_status
ORDER BY fatal DESC, errors DESC, source, error_code, http_status;
