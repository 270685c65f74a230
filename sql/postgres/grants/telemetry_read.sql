-- People and checks that look: everything but the keys, and nothing but looking.
REVOKE ALL ON ALL TABLES IN SCHEMA audit, ingest, ops, privacy, security FROM telemetry_read;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit, security FROM telemetry_read;
GRANT USAGE ON SCHEMA audit, ingest, ops, privacy, security TO telemetry_read;

GRANT SELECT ON ALL TABLES IN SCHEMA audit, ingest, ops, privacy, security TO telemetry_read;
REVOKE SELECT ON privacy.key_epochs FROM telemetry_read;
GRANT EXECUTE ON FUNCTION ops.check_column(text, text, text, boolean, text, timestamptz), ops.count_rows(text),
    ops.count_by_key_epoch(text, text), ops.now()
    TO telemetry_read;
GRANT EXECUTE ON FUNCTION audit.partitions_of(regclass), audit.is_hypertable(regclass) TO telemetry_read;
GRANT EXECUTE ON FUNCTION audit.has_partition(regclass, timestamptz), audit.is_hypertable(regclass)
    TO telemetry_read;
GRANT EXECUTE ON FUNCTION audit.visible_from(regclass) TO telemetry_read;
GRANT USAGE ON SCHEMA standing TO telemetry_read;
GRANT SELECT ON ALL TABLES IN SCHEMA standing TO telemetry_read;
