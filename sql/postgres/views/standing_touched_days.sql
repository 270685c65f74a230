-- Days of the base tables whose rows have changed. A rollup's day is due when its mark is lower, or when it has none.
CREATE OR REPLACE VIEW standing.touched_days AS
SELECT t.table_name, t.day, t.mark, t.marked_at, t.first_marked_at
FROM ingest.touched_days AS t;

COMMENT ON VIEW standing.touched_days IS 'Days whose rows have changed, and how often.';
