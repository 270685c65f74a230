-- Sessions (their keys, see tenant_keys) without an end from which nothing was received for a minute (half an hour after
-- a pause) up to `drained_until`.
--
-- First rows that once said so, whatever their version, then the newest version of those sessions only.
SELECT concat(toString(session_id), hex(org_id)) AS session
FROM media_sessions
WHERE (session_id, org_id) IN
(
    SELECT session_id, org_id
    FROM media_sessions
    WHERE state IN ('active', 'paused')
        AND last_received_at >= {since:DateTime64(3, 'UTC')}
        AND last_received_at < {drained_until:DateTime64(3, 'UTC')} - toIntervalMinute(1)
)
GROUP BY session_id, org_id
HAVING argMax(
    (
        state IN ('active', 'paused'),
        last_received_at + if(state = 'paused', toIntervalMinute(30), toIntervalMinute(1))
            < {drained_until:DateTime64(3, 'UTC')}
    ),
    (fold_version, end_derived)
) = (true, true)
ORDER BY session_id, org_id
LIMIT {most:UInt32};
