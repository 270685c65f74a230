-- How long each table is kept, as it was said by every release and every change of a setting: the newest row of a table is
-- in force. The functions that drop the trail's partitions read it, so that whoever calls them cannot say it.
CREATE TABLE audit.policy (
    policy_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text NOT NULL,
    amount integer NOT NULL CHECK (amount >= 0),
    unit text NOT NULL CHECK (unit IN ('day', 'month', 'year')),
    counted_from text NOT NULL,
    since timestamptz NOT NULL,
    why text NOT NULL CHECK (why <> ''),
    -- 45 CFR 164.316(b)(2)(i)
    CONSTRAINT trail_is_kept_for_six_years
        CHECK (table_name <> 'audit.audit_logs' OR (unit = 'year' AND amount >= 6))
);
CREATE INDEX policy_in_force ON audit.policy (table_name, policy_id);

SELECT audit.make_append_only('audit.policy');

COMMENT ON TABLE audit.policy IS 'How long each table is kept, and every change of it.';
COMMENT ON COLUMN audit.policy.policy_id IS 'order of the changes: the newest of a table is in force';
COMMENT ON COLUMN audit.policy.table_name IS 'table, with its schema in PostgreSQL';
COMMENT ON COLUMN audit.policy.amount IS 'how many units';
COMMENT ON COLUMN audit.policy.unit IS 'day, month or year, by the calendar';
COMMENT ON COLUMN audit.policy.counted_from IS 'column whose time a row is counted from';
COMMENT ON COLUMN audit.policy.since IS 'in force since';
COMMENT ON COLUMN audit.policy.why IS 'the reason for so long';
