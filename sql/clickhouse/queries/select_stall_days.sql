-- The days on which stalls of sessions stand, in every version that is still there: a fold that moves one changes two days.
SELECT DISTINCT toDate32(occurred_at) AS day
FROM media_buffering_events
WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}));
