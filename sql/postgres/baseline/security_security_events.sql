-- Partitioned by the month in which a row was *recorded*, as the audit trail is: retention drops whole months, and late
-- events land in the present one. There is no default partition: it would hide that the months ahead are missing, and
-- `security.append` makes the month it needs itself.
CREATE TABLE security.security_events (
    event_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    org_id text NOT NULL,
    type text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('info', 'low', 'medium', 'high', 'critical')),
    rule_id text,
    method text,
    path text,
    details jsonb,
    actor_hash text NOT NULL CHECK (actor_hash ~ '^([0-9a-f]{64})?$'),
    key_epoch integer NOT NULL,
    ip_truncated text CONSTRAINT address_is_truncated CHECK (audit.is_truncated(ip_truncated)),
    address_hash text CHECK (address_hash ~ '^[0-9a-f]{64}$'),
    address_key_epoch integer,
    country_code text,
    user_agent_family text,
    CHECK ((address_hash IS NULL) = (address_key_epoch IS NULL)),
    PRIMARY KEY (recorded_at, org_id, event_id)
) PARTITION BY RANGE (recorded_at);
SELECT audit.use_hypertable('security.security_events');

-- Detection looks for one rule or one address over a stretch of time, compliance for one tenant.
-- With the event's id, although the key has it too: rows of one batch share tenant and moment, and a planner without
-- statistics that chose an index on these two alone would look at all of them for each (seen: quadratic).
CREATE INDEX security_events_by_org ON security.security_events (org_id, recorded_at, event_id);
CREATE INDEX security_events_by_type ON security.security_events (type, recorded_at);
CREATE INDEX security_events_by_address ON security.security_events (address_hash, recorded_at);

-- As `audit.make_append_only`, but that an erasure may take the person out of a row (`security.unlink`), through this table
-- alone: its partitions refuse every statement that names them.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON security.security_events
    FOR EACH STATEMENT EXECUTE FUNCTION security.refuse_change();
ALTER TABLE security.security_events ENABLE ALWAYS TRIGGER append_only;
-- The statement triggers guard each table by itself; this one is inherited by whatever is attached, so that a partition
-- which somebody attaches by hand is guarded from its first moment.
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON security.security_events
    FOR EACH ROW EXECUTE FUNCTION security.refuse_change();
ALTER TABLE security.security_events ENABLE ALWAYS TRIGGER append_only_rows;

COMMENT ON TABLE security.security_events IS 'Attacks and refusals, for detection and threat analysis: append-only.';
COMMENT ON COLUMN security.security_events.event_id IS 'the event''s identity within its tenant: given by the client or derived';
COMMENT ON COLUMN security.security_events.occurred_at IS 'when it happened';
COMMENT ON COLUMN security.security_events.recorded_at IS 'when it was written';
COMMENT ON COLUMN security.security_events.org_id IS 'tenant, from the token';
COMMENT ON COLUMN security.security_events.type IS 'what was seen, e.g. auth.failed';
COMMENT ON COLUMN security.security_events.severity IS 'how bad it is';
COMMENT ON COLUMN security.security_events.rule_id IS 'rule that found it';
COMMENT ON COLUMN security.security_events.method IS 'HTTP method';
COMMENT ON COLUMN security.security_events.path IS 'route template, never a raw path';
COMMENT ON COLUMN security.security_events.details IS 'what has no column, as one JSON object, names and values scrubbed of personal data';
COMMENT ON COLUMN security.security_events.actor_hash IS 'pseudonym of the person, under the key of key_epoch; empty without a person';
COMMENT ON COLUMN security.security_events.key_epoch IS 'epoch of the key behind actor_hash';
COMMENT ON COLUMN security.security_events.ip_truncated IS 'address cut to /24 (IPv4) or /48 (IPv6)';
COMMENT ON COLUMN security.security_events.address_hash IS 'pseudonym of the full address, under the key of address_key_epoch';
COMMENT ON COLUMN security.security_events.address_key_epoch IS 'epoch of the key behind address_hash';
COMMENT ON COLUMN security.security_events.country_code IS 'ISO 3166-1 alpha-2, looked up from ip_truncated';
COMMENT ON COLUMN security.security_events.user_agent_family IS 'browser family, from a closed list, else `other`';
