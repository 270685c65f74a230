-- The events of one session in the order of its own clock, each once, as far as they have not expired.
SELECT
    fromUnixTimestamp64Milli(at, 'UTC') AS at,
    event,
    position_before,
    position_after,
    told_bitrate,
    told_resolution,
    duration_ms,
    reason,
    percent,
    error_code,
    http_status,
    fatal,
    cdn_response_time_ms,
    dropped_frames
FROM media_timeline(sessions = {sessions:Text}, since = {since:DateTime64(3, 'UTC')})
WHERE occurred_at >= telemetry_now() - toIntervalDay(90)
ORDER BY at, turn, event_id
LIMIT {most:UInt32};
