-- The proofs of retention without their hashes and policies. A dry run removes nothing.
CREATE OR REPLACE VIEW standing.retention_runs AS
SELECT
    r.number, r.ended_at, r.table_name, r.store, r.status, r.dry_run, r.rows_before, r.rows_after, r.expired_before,
    r.expired_after, r.rows_dropped, r.partitions_dropped, r.rows_held, r.cut_off, r.oldest_remaining,
    extract(epoch FROM r.ended_at - r.began_at)::double precision AS seconds
FROM privacy.retention_runs AS r;

COMMENT ON VIEW standing.retention_runs IS 'The proofs of retention, a row for each run and table.';
