-- The days of all frames of exercise sessions: one frame can move its session to another day, or lengthen one of another.
SELECT DISTINCT toDate32(occurred_at) AS day
FROM pose_tracking_frames
WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}));
