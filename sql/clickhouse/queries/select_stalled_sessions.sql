-- Which of some sessions (their keys, see tenant_keys) have a stall in their events: most have none, and need no pairing.
SELECT DISTINCT concat(toString(session_id), hex(org_id)) AS session
FROM media_events
WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
    AND occurred_at >= {since:DateTime64(3, 'UTC')}
    AND event IN ('buffering_start', 'buffering_end')
ORDER BY session;
