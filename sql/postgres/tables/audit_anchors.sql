-- What was in a partition that retention drops: verification walks over it instead of the rows. Signed by the key of the
-- checkpoints, which no role of the database can read.
CREATE TABLE audit.anchors (
    partition_name text PRIMARY KEY,
    begins timestamptz NOT NULL,
    ends timestamptz NOT NULL CHECK (ends > begins),
    first_seq bigint NOT NULL CHECK (first_seq > 0),
    last_seq bigint NOT NULL,
    rows bigint NOT NULL,
    prev_hash text NOT NULL CHECK (prev_hash ~ '^[0-9a-f]{64}$'),
    last_hash text NOT NULL CHECK (last_hash ~ '^[0-9a-f]{64}$'),
    anchored_at timestamptz NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL CHECK (octet_length(signature) = 64),
    CONSTRAINT rows_are_gapless CHECK (rows = last_seq - first_seq + 1)
);

SELECT audit.make_append_only('audit.anchors');

COMMENT ON TABLE audit.anchors IS 'Signed statements of what was in each dropped partition of the trail.';
COMMENT ON COLUMN audit.anchors.partition_name IS 'the partition';
COMMENT ON COLUMN audit.anchors.begins IS 'recorded_at of its rows is not before this';
COMMENT ON COLUMN audit.anchors.ends IS 'and before this';
COMMENT ON COLUMN audit.anchors.first_seq IS 'seq of its first row';
COMMENT ON COLUMN audit.anchors.last_seq IS 'seq of its last row';
COMMENT ON COLUMN audit.anchors.rows IS 'how many rows';
COMMENT ON COLUMN audit.anchors.prev_hash IS 'prev_hash of its first row';
COMMENT ON COLUMN audit.anchors.last_hash IS 'row_hash of its last row';
COMMENT ON COLUMN audit.anchors.anchored_at IS 'when it was signed';
COMMENT ON COLUMN audit.anchors.key_id IS 'id of the key that signed it';
COMMENT ON COLUMN audit.anchors.signature IS 'Ed25519 over all of the above';
