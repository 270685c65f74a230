-- The details of the trail under the name that entries carry them by, with the time of their row: checks look at both.
CREATE OR REPLACE VIEW audit.details_in_time AS
SELECT l.seq, l.recorded_at, d.body AS details
FROM audit.details AS d
JOIN audit.audit_logs AS l USING (seq);

COMMENT ON VIEW audit.details_in_time IS 'Details of the trail by the time of their row; NULL where they were redacted.';
