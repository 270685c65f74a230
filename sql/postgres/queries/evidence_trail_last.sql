-- How far the trail had come before a moment, as far as its rows are still there.
SELECT l.seq FROM audit.audit_logs AS l
WHERE l.recorded_at < %(ends)s::timestamptz
ORDER BY l.recorded_at DESC, l.seq DESC LIMIT 1;
