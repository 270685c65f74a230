CREATE SCHEMA IF NOT EXISTS audit;
COMMENT ON SCHEMA audit IS 'Who did what to which resource: append-only, kept seven years by legal duty.';
