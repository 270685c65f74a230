-- One row, locked by every append: the lock is what makes `seq` gapless with many writers.
CREATE TABLE audit.head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL CHECK (seq >= 0),
    recorded_at timestamptz NOT NULL,
    row_hash text NOT NULL DEFAULT repeat('0', 64) CHECK (row_hash ~ '^[0-9a-f]{64}$')
);

INSERT INTO audit.head (seq, recorded_at) VALUES (0, '-infinity');

COMMENT ON TABLE audit.head IS 'The end of the audit trail.';
COMMENT ON COLUMN audit.head.one IS 'there is one row only';
COMMENT ON COLUMN audit.head.seq IS 'seq of the newest row; 0 before the first';
COMMENT ON COLUMN audit.head.recorded_at IS 'recorded_at of the newest row';
COMMENT ON COLUMN audit.head.row_hash IS 'row_hash of the newest row; 64 zeros before the first';
