-- The newest real run of each table. `clean_at`: when a run last left nothing that has expired and is not held.
CREATE OR REPLACE VIEW standing.retention AS
SELECT
    r.table_name, max(r.ended_at) AS ended_at,
    (array_agg(r.status ORDER BY r.number DESC))[1] AS status,
    (array_agg(r.expired_after ORDER BY r.number DESC))[1] AS expired_rows,
    (array_agg(r.rows_held ORDER BY r.number DESC))[1] AS rows_held,
    max(r.ended_at) FILTER (WHERE r.status IN ('done', 'held')) AS clean_at
FROM privacy.retention_runs AS r
WHERE NOT r.dry_run
GROUP BY r.table_name;

COMMENT ON VIEW standing.retention IS 'How retention stands for each table: its last run, and the last that left nothing expired.';
