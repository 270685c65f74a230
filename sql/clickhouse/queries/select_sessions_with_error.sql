-- The sessions of a tenant in which an error of this code was reported, by the player or the app, the newest first.
SELECT
    toString(session_id) AS session_id, occurred_at, started_at, ended_at, state, media_id, media_type, device_type,
    browser_family, os_family, country_code, connection_type, startup_ms, stall_count, stall_ms, watched_seconds,
    completion, error_count, fatal_error
FROM media_sessions_current
-- Named with its view: the bare name would be the text that is selected.
WHERE (media_sessions_current.session_id, org_id) IN
    (
        SELECT assumeNotNull(session_id), org_id
        FROM error_events_live
        WHERE org_id = {org:String}
            AND error_code = {code:String}
            AND session_id IS NOT NULL
            AND occurred_at >= {since:DateTime64(3, 'UTC')} - toIntervalDay(1)
            AND occurred_at < {until:DateTime64(3, 'UTC')} + toIntervalDay(1)
    )
    AND occurred_at >= {since:DateTime64(3, 'UTC')}
    AND occurred_at < {until:DateTime64(3, 'UTC')}
ORDER BY occurred_at DESC, session_id
LIMIT {most:UInt32};
