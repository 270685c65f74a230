-- The details of every row of the trail that has some; NULL where they were redacted.
SELECT l.org_id, l.event_id::text, d.body
FROM audit.details d
JOIN audit.audit_logs l USING (seq)
