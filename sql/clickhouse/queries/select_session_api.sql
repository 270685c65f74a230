-- How our API answered the tenant of each session around its beginning, and in the three days before.
--
-- sessions: their keys (see tenant_keys). since, until: the earliest and the latest beginning of them.
-- Around: five minutes each way. What the app asks of our API it asks before the video plays, and a quiet tenant has
--   few requests. The days before end an hour before the session: a disturbance that lasts must not be its own measure.
WITH
    sessions AS
    (
        SELECT org_id, session_id, ifNull(started_at, occurred_at) AS began_at
        FROM media_sessions_current AS session
        WHERE (session.session_id, session.org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
    ),
    answers AS
    (
        SELECT org_id, event_id, any(occurred_at) AS answered_at, any(status_code) AS status, any(duration_ms) AS took_ms
        FROM api_metrics_live
        WHERE org_id IN (SELECT org_id FROM sessions)
            AND occurred_at >= {since:DateTime64(3, 'UTC')} - INTERVAL 3 DAY
            AND occurred_at <= {until:DateTime64(3, 'UTC')} + INTERVAL 5 MINUTE
        GROUP BY org_id, event_id
    )
SELECT
    org_id,
    toString(asked_session) AS session_id,
    countIf(around) AS requests,
    countIf(around AND status >= 500) AS server_errors,
    if(requests = 0, NULL, quantileExactInclusiveIf(0.5)(took_ms, around)) AS median_ms,
    if(requests = 0, NULL, quantileExactInclusiveIf(0.9)(took_ms, around)) AS p90_ms,
    countIf(before) AS before_requests,
    countIf(before AND status >= 500) AS before_server_errors,
    if(before_requests = 0, NULL, quantileExactInclusiveIf(0.5)(took_ms, before)) AS before_median_ms,
    if(before_requests = 0, NULL, quantileExactInclusiveIf(0.9)(took_ms, before)) AS before_p90_ms
FROM
(
    SELECT
        sessions.org_id AS org_id,
        sessions.session_id AS asked_session,
        status,
        took_ms,
        abs(dateDiff('second', began_at, answered_at)) <= 300 AS around,
        answered_at < began_at - INTERVAL 1 HOUR AND answered_at >= began_at - INTERVAL 3 DAY AS before
    FROM sessions
    INNER JOIN answers ON answers.org_id = sessions.org_id
)
GROUP BY org_id, asked_session;
