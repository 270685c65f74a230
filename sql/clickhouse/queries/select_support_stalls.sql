-- The stalls of one session as they are now.
SELECT started_at, ended_at, duration_ms, position_seconds, cause, closed_by, cdn_response_time_ms
FROM media_buffering_current
WHERE session_id = {session:UUID} AND org_id = {org:String}
ORDER BY started_at, event_id;
