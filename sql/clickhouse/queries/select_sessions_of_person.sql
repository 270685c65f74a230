-- The sessions of a person, the newest first. `persons` travels beside the statement: pseudonyms stand in no log.
SELECT
    toString(session_id) AS session_id, occurred_at, started_at, ended_at, state, media_id, media_type, device_type,
    browser_family, os_family, country_code, connection_type, startup_ms, stall_count, stall_ms, watched_seconds,
    completion, error_count, fatal_error
FROM media_sessions_current
WHERE org_id = {org:String}
    AND actor_hash IN (SELECT key FROM persons)
    AND occurred_at >= {since:DateTime64(3, 'UTC')}
    AND occurred_at < {until:DateTime64(3, 'UTC')}
ORDER BY occurred_at DESC, session_id
LIMIT {most:UInt32};
