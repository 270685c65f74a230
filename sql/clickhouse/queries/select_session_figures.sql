-- The figures of every session, to be compared one by one with what the simulator lived through.
--
-- outcome: `open` is a session whose client never ended it, whether silence has made it `abandoned` since or not.
SELECT
    org_id,
    toString(session_id) AS session_id,
    if(end_derived OR state IN ('active', 'paused'), 'open', state) AS outcome,
    start_seen,
    event_count,
    ttfb_ms,
    startup_ms,
    stall_count,
    stall_ms,
    seek_stall_ms,
    watched_seconds,
    completion,
    dropped_frames,
    milestones,
    error_count,
    fatal_error,
    skewed,
    country_code,
    region,
    device_type,
    is_bot,
    consent_level,
    conflicting_terminals
FROM media_sessions FINAL;
