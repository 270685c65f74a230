-- The stretch of the chain of retention runs that a period is about: what ended in it, and what its trail speaks of. On a
-- demo whose clock has travelled the two are not the same.
WITH meant AS (
    SELECT r.number FROM privacy.retention_runs AS r
    WHERE r.ended_at >= %(begins)s::timestamptz AND r.ended_at < %(ends)s::timestamptz
    UNION ALL
    SELECT r.number FROM privacy.retention_runs AS r
    WHERE r.run_id::text IN (
        SELECT d.body ->> 'run_id'
        FROM audit.audit_logs AS l
        JOIN audit.details AS d ON d.seq = l.seq
        WHERE l.action = 'retention.ran'
            AND l.recorded_at >= %(begins)s::timestamptz AND l.recorded_at < %(ends)s::timestamptz
    )
)
SELECT number, run_id, table_name, store, policy, began_at, ended_at, cut_off, dry_run, rows_before, rows_after,
    expired_before, expired_after, partitions_dropped, rows_dropped, rows_held, oldest_remaining, status, prev_hash, row_hash
FROM privacy.retention_runs
WHERE number >= (SELECT min(number) FROM meant) AND number <= (SELECT max(number) FROM meant)
ORDER BY number;
