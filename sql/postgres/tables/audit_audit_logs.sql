-- Partitioned by the month in which a row was *recorded*: by `occurred_at`, late entries would land in old partitions
-- and leave holes in `seq` wherever a partition is dropped. There is no default partition: it would hide that the months
-- ahead are missing, and `audit.append` makes the month it needs itself.
CREATE TABLE audit.audit_logs (
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor_hash text NOT NULL CHECK (actor_hash ~ '^([0-9a-f]{64})?$'),
    key_epoch integer NOT NULL,
    actor_type text NOT NULL CHECK (actor_type IN ('patient', 'staff', 'service', 'system')),
    org_id text NOT NULL,
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id_hash text CHECK (resource_id_hash ~ '^[0-9a-f]{64}$'),
    method text,
    path text,
    status_code integer,
    outcome text NOT NULL CHECK (outcome IN ('success', 'denied', 'failure')),
    ip_truncated text CONSTRAINT address_is_truncated CHECK (audit.is_truncated(ip_truncated)),
    country_code text,
    region text,
    device_type text,
    details_hash text CHECK (details_hash ~ '^[0-9a-f]{64}$'),
    prev_hash text NOT NULL CHECK (prev_hash ~ '^[0-9a-f]{64}$'),
    row_hash text NOT NULL CHECK (row_hash ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (recorded_at, seq)
) PARTITION BY RANGE (recorded_at);
SELECT audit.use_hypertable('audit.audit_logs');

-- Compliance reads one tenant's trail by time, or what one person did.
CREATE INDEX audit_logs_by_org ON audit.audit_logs (org_id, recorded_at);
CREATE INDEX audit_logs_by_actor ON audit.audit_logs (actor_hash, recorded_at);

SELECT audit.make_append_only('audit.audit_logs');
-- The statement triggers above guard each table by itself; this one is inherited by whatever is attached, so that a
-- partition which somebody attaches by hand is guarded from its first moment.
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON audit.audit_logs
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE audit.audit_logs ENABLE ALWAYS TRIGGER append_only_rows;

COMMENT ON TABLE audit.audit_logs IS 'HIPAA audit trail: append-only, immutable, in one gapless sequence.';
COMMENT ON COLUMN audit.audit_logs.seq IS 'position in the trail, from 1 without gaps';
COMMENT ON COLUMN audit.audit_logs.event_id IS 'the event''s identity within its tenant: given by the client or derived';
COMMENT ON COLUMN audit.audit_logs.occurred_at IS 'when it happened';
COMMENT ON COLUMN audit.audit_logs.recorded_at IS 'when it was written; never before the previous row''s';
COMMENT ON COLUMN audit.audit_logs.actor_hash IS 'audit pseudonym of the person';
COMMENT ON COLUMN audit.audit_logs.key_epoch IS 'epoch of the key behind actor_hash';
COMMENT ON COLUMN audit.audit_logs.actor_type IS 'patient, staff, service or system';
COMMENT ON COLUMN audit.audit_logs.org_id IS 'tenant, from the token';
COMMENT ON COLUMN audit.audit_logs.action IS 'what was done, e.g. media.view';
COMMENT ON COLUMN audit.audit_logs.resource_type IS 'kind of the resource, e.g. media';
COMMENT ON COLUMN audit.audit_logs.resource_id_hash IS 'pseudonym of the resource';
COMMENT ON COLUMN audit.audit_logs.method IS 'HTTP method';
COMMENT ON COLUMN audit.audit_logs.path IS 'route template, never a raw path';
COMMENT ON COLUMN audit.audit_logs.status_code IS 'HTTP status';
COMMENT ON COLUMN audit.audit_logs.outcome IS 'success, denied or failure';
COMMENT ON COLUMN audit.audit_logs.ip_truncated IS 'address cut to /24 (IPv4) or /48 (IPv6)';
COMMENT ON COLUMN audit.audit_logs.country_code IS 'ISO 3166-1 alpha-2, looked up from ip_truncated';
COMMENT ON COLUMN audit.audit_logs.region IS 'ISO 3166-2 subdivision, looked up from ip_truncated';
COMMENT ON COLUMN audit.audit_logs.device_type IS 'desktop, mobile, tablet, tv, bot or unknown';
COMMENT ON COLUMN audit.audit_logs.details_hash IS 'SHA-256 of nonce and details; NULL without details';
COMMENT ON COLUMN audit.audit_logs.prev_hash IS 'row_hash of the row before; 64 zeros in the first row';
COMMENT ON COLUMN audit.audit_logs.row_hash IS 'SHA-256 over prev_hash and the canonical stored form of the row';
