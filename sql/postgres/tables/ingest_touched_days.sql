-- Days of which a batch changed rows, marked in the transaction that closes the batch; a rebuild of a rollup takes the mark
-- before it reads, so that what arrives meanwhile marks the day again.
CREATE TABLE ingest.touched_days (
    table_name text        NOT NULL,
    day        date        NOT NULL,
    batch_id   text        NOT NULL,
    marked_at  timestamptz NOT NULL,
    PRIMARY KEY (table_name, day)
);
COMMENT ON TABLE ingest.touched_days IS 'Days whose rows changed since their rollups were last rebuilt.';
