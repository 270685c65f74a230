-- API and drain. Into the audit trail and the security events they can only append; a key they can add and read, never change or remove.
REVOKE ALL ON ALL TABLES IN SCHEMA audit, ingest, ops, privacy, security FROM telemetry_ingest;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit, security FROM telemetry_ingest;
GRANT USAGE ON SCHEMA audit, ingest, ops, privacy, security TO telemetry_ingest;

GRANT EXECUTE ON FUNCTION audit.append(jsonb, text, text, bigint), audit.record(jsonb), audit.ensure_partitions(integer)
    TO telemetry_ingest;
GRANT EXECUTE ON FUNCTION security.append(jsonb, text, text, bigint), security.ensure_partitions(integer)
    TO telemetry_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ingest TO telemetry_ingest;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA ingest, privacy TO telemetry_ingest;
GRANT SELECT, INSERT ON privacy.key_epochs TO telemetry_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON privacy.dead_letters TO telemetry_ingest;
GRANT SELECT, INSERT, UPDATE ON privacy.subjects, privacy.erasures TO telemetry_ingest;
GRANT SELECT, INSERT, DELETE ON privacy.tombstones TO telemetry_ingest;
GRANT SELECT ON privacy.legal_holds TO telemetry_ingest;
GRANT SELECT ON ops.schema_ledger TO telemetry_ingest;
