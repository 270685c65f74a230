-- A partitioned table cannot make a column unique across its partitions: this one does, in the same transaction.
CREATE TABLE audit.event_index (
    event_id uuid PRIMARY KEY,
    seq bigint NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL
);

SELECT audit.make_append_only('audit.event_index');

COMMENT ON TABLE audit.event_index IS 'Every event_id and every seq of the trail once, and where the row lies.';
COMMENT ON COLUMN audit.event_index.event_id IS 'the event''s only identity';
COMMENT ON COLUMN audit.event_index.seq IS 'position in the trail';
COMMENT ON COLUMN audit.event_index.recorded_at IS 'when the row was written: names its partition';
