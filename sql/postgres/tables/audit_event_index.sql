-- A partitioned table cannot make a column unique across its partitions: this one does, in the same transaction.
CREATE TABLE audit.event_index (
    org_id text NOT NULL,
    event_id uuid NOT NULL,
    seq bigint NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, org_id)
);

SELECT audit.make_append_only('audit.event_index');

COMMENT ON TABLE audit.event_index IS 'Every event of a tenant and every seq of the trail once, and where the row lies.';
COMMENT ON COLUMN audit.event_index.org_id IS 'tenant: services choose the ids of their events';
COMMENT ON COLUMN audit.event_index.event_id IS 'the event''s identity within its tenant';
COMMENT ON COLUMN audit.event_index.seq IS 'position in the trail';
COMMENT ON COLUMN audit.event_index.recorded_at IS 'when the row was written: names its partition';
