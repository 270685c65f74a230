-- What sessions and their stalls say of why they went as they did, one row a session.
--
-- sessions: their keys (see tenant_keys). cdn_ms: the median of all answers of the CDN that a session tells of, at its
--   start and at its stalls. stall_ms leaves out seeks: whoever jumps expects to wait.
WITH stalls AS
(
    SELECT
        session_id AS stalled_session,
        org_id AS stalled_org,
        groupArray(cdn_response_time_ms) AS answers
    FROM media_buffering_current
    WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
    GROUP BY session_id, org_id
)
SELECT
    org_id,
    toString(session_id) AS session_id,
    state,
    start_seen,
    event_count,
    country_code,
    device_type,
    connection_type,
    media_id,
    ifNull(started_at, occurred_at) AS began_at,
    last_event_at,
    ttfb_ms,
    load_ms,
    startup_ms,
    cdn_response_time_ms AS start_cdn_ms,
    arrayFilter(
        answer -> isNotNull(answer), arrayConcat(stalls.answers, [cdn_response_time_ms])
    ) AS cdn_answers,
    if(empty(cdn_answers), NULL, arrayReduce('quantileExactInclusive(0.5)', cdn_answers)) AS cdn_ms,
    effective_bandwidth AS bandwidth_mbit,
    rtt_ms,
    ifNull(avg_bitrate, toFloat64(last_bitrate)) AS bitrate,
    stall_count,
    stall_ms,
    watched_seconds,
    completion,
    dropped_frames,
    fatal_error
FROM media_sessions_current AS session
LEFT JOIN stalls ON stalls.stalled_session = session.session_id AND stalls.stalled_org = session.org_id
WHERE (session.session_id, session.org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}));
