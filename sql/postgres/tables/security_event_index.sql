-- A partitioned table cannot make a column unique across its partitions: this one does, in the same transaction.
CREATE TABLE security.event_index (
    org_id text NOT NULL,
    event_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, org_id)
);

SELECT audit.make_append_only('security.event_index');

COMMENT ON TABLE security.event_index IS 'Every security event of a tenant once, and where the row lies.';
COMMENT ON COLUMN security.event_index.org_id IS 'tenant: services choose the ids of their events';
COMMENT ON COLUMN security.event_index.event_id IS 'the event''s identity within its tenant';
COMMENT ON COLUMN security.event_index.recorded_at IS 'when the row was written: names its partition';
