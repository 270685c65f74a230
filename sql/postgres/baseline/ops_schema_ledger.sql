-- IF NOT EXISTS: the ledger is the one table that no ledger can answer for.
CREATE TABLE IF NOT EXISTS ops.schema_ledger (
    item text PRIMARY KEY,
    checksum text NOT NULL,
    at_change integer NOT NULL,
    how text NOT NULL CHECK (how IN ('executed', 'included')),
    applied_at timestamptz NOT NULL
);

COMMENT ON TABLE ops.schema_ledger IS 'What has been applied to this database, each file once.';
COMMENT ON COLUMN ops.schema_ledger.item IS 'folder/name of the SQL file';
COMMENT ON COLUMN ops.schema_ledger.checksum IS 'SHA-256 of the file as it was applied';
COMMENT ON COLUMN ops.schema_ledger.at_change IS 'number of the newest change there was: a table made then includes the changes up to it';
COMMENT ON COLUMN ops.schema_ledger.how IS 'executed, or included in the table as it was made';
COMMENT ON COLUMN ops.schema_ledger.applied_at IS 'when';
