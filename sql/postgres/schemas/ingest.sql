CREATE SCHEMA IF NOT EXISTS ingest;
COMMENT ON SCHEMA ingest IS 'What the drain keeps about itself: lease, batches, high-water marks, touched days.';
