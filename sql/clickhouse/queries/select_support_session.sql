-- One session as support sees it: the newest version, once, without what nobody needs to see.
SELECT
    toString(session_id) AS session_id, occurred_at, started_at, ended_at, last_event_at, state, end_derived, start_seen,
    event_count, media_id, media_type, total_duration_seconds, device_type, browser_family, os_family, country_code,
    region, connection_type, effective_bandwidth, rtt_ms, ttfb_ms, load_ms, cdn_response_time_ms, startup_ms,
    furthest_seconds, stall_count, stall_ms, seek_stall_ms, watched_seconds, completion, avg_bitrate, last_bitrate,
    resolution, dropped_frames, milestones, error_count, fatal_error, skewed, consent_level
FROM media_sessions_current
-- Named with its view: the bare name would be the text that is selected.
WHERE media_sessions_current.session_id = {session:UUID} AND org_id = {org:String};
