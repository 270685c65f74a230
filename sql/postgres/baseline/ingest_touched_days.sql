-- Days of which a batch changed rows, marked in the transaction that closes the batch; a rebuild of a rollup reads the mark
-- before it reads the rows, so that what arrives meanwhile marks the day again.
--
-- mark: rises with every touch, under the row's lock, and so in the order in which touches are committed. A number taken
--   before the lock could be committed after a higher one, and its rows would be in no rollup.
CREATE TABLE ingest.touched_days (
    table_name      text        NOT NULL,
    day             date        NOT NULL,
    batch_id        text        NOT NULL,
    marked_at       timestamptz NOT NULL,
    mark            bigint      NOT NULL DEFAULT 1,
    first_marked_at timestamptz NOT NULL,
    PRIMARY KEY (table_name, day)
);
COMMENT ON TABLE ingest.touched_days IS 'Days whose rows have changed, and how often: a rollup is behind where it knows an older mark.';
