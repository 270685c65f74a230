-- API and drain. Into the audit trail they can only append, and into the security events, of which an erasure may take a
-- person out; keys they read, and change through functions that
-- refuse to touch one that is needed.
REVOKE ALL ON ALL TABLES IN SCHEMA audit, ingest, ops, privacy, security FROM telemetry_ingest;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit, security FROM telemetry_ingest;
GRANT USAGE ON SCHEMA audit, ingest, ops, privacy, security TO telemetry_ingest;

GRANT EXECUTE ON FUNCTION audit.append(jsonb, text, text, bigint), audit.record(jsonb), audit.ensure_partitions(integer)
    TO telemetry_ingest;
GRANT EXECUTE ON FUNCTION security.append(jsonb, text, text, bigint), security.ensure_partitions(integer),
    security.unlink(text, text[], timestamptz), security.count_linked(text, text[], timestamptz)
    TO telemetry_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ingest TO telemetry_ingest;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA ingest, privacy TO telemetry_ingest;
GRANT SELECT ON privacy.key_epochs, privacy.keks, privacy.key_states TO telemetry_ingest;
GRANT EXECUTE ON FUNCTION privacy.add_key_epoch(text, integer, bytea, bytea, text, bytea, timestamptz, timestamptz),
    privacy.rewrap_keys(jsonb, jsonb, text, bytea, timestamptz), privacy.remove_key_bytes(timestamptz),
    privacy.end_kek(text, text, timestamptz)
    TO telemetry_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON privacy.dead_letters TO telemetry_ingest;
GRANT SELECT, INSERT, UPDATE ON privacy.subjects, privacy.erasures, privacy.erasures_by_table TO telemetry_ingest;
GRANT SELECT, INSERT, DELETE, UPDATE (erased_at, until) ON privacy.tombstones TO telemetry_ingest;
GRANT SELECT, INSERT, UPDATE (released_at, released_why) ON privacy.legal_holds TO telemetry_ingest;
GRANT SELECT, INSERT, DELETE ON privacy.hold_actors TO telemetry_ingest;
GRANT SELECT, INSERT, UPDATE (last_updated, withdrawn_at, withdrawn_by) ON privacy.privacy_exclusions TO telemetry_ingest;
GRANT SELECT, INSERT, DELETE ON privacy.privacy_exclusions_staged TO telemetry_ingest;
GRANT SELECT, INSERT, UPDATE ON privacy.privacy_exclusion_sync_log TO telemetry_ingest;
GRANT SELECT ON ops.schema_ledger, ops.installation TO telemetry_ingest;
GRANT EXECUTE ON FUNCTION ops.now(), ops.travel(timestamptz) TO telemetry_ingest;
GRANT SELECT, INSERT, UPDATE (confirmed_at) ON ops.restore_marks TO telemetry_ingest;
GRANT SELECT ON audit.policy TO telemetry_ingest;
GRANT SELECT ON audit.verifications TO telemetry_ingest;
GRANT EXECUTE ON FUNCTION audit.has_partition(regclass, timestamptz), audit.is_hypertable(regclass)
    TO telemetry_ingest;
GRANT EXECUTE ON FUNCTION audit.intake_note(jsonb, timestamptz), audit.intake_explain(bigint, text, text, timestamptz)
    TO telemetry_ingest;
GRANT SELECT ON audit.intake_gaps, audit.intake_marks TO telemetry_ingest;
