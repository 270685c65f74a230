-- Every day of every rollup as it was last built; the marks say whether it is behind its base (`standing.touched_days`).
CREATE OR REPLACE VIEW standing.rollup_days AS
SELECT r.rollup, r.day, r.mark, r.rows, r.built_at, r.duration_ms
FROM ingest.rollup_days AS r;

COMMENT ON VIEW standing.rollup_days IS 'Days of rollups: when each was built, from which mark, and how long it took.';
