-- The retention job: looks at everything but the keys. The trail's partitions fall through a definer function only.
REVOKE ALL ON ALL TABLES IN SCHEMA audit, ingest, ops, privacy, security FROM telemetry_retention;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit, security FROM telemetry_retention;
GRANT USAGE ON SCHEMA audit, ingest, ops, privacy, security TO telemetry_retention;

GRANT SELECT ON ALL TABLES IN SCHEMA audit, ingest, ops, privacy, security TO telemetry_retention;
REVOKE SELECT ON privacy.key_epochs FROM telemetry_retention;
GRANT EXECUTE ON FUNCTION audit.ensure_partitions(integer), security.ensure_partitions(integer)
    TO telemetry_retention;
GRANT EXECUTE ON FUNCTION ops.now() TO telemetry_retention;

GRANT EXECUTE ON FUNCTION audit.partitions_of(regclass), audit.is_hypertable(regclass), audit.drop_partition(text),
    security.drop_partition(text), audit.redact(bigint, jsonb)
    TO telemetry_retention;
GRANT EXECUTE ON FUNCTION audit.store_anchor(text, bigint, bigint, bigint, text, text, timestamptz, text, bytea)
    TO telemetry_retention;
-- Not for the API's role: what was found of the trail is not for whoever writes it to say.
GRANT INSERT ON audit.verifications TO telemetry_retention;
GRANT EXECUTE ON FUNCTION audit.has_partition(regclass, timestamptz), audit.is_hypertable(regclass)
    TO telemetry_retention;
-- What has expired goes row by row: deletion and nothing else. Proofs are written and expire by functions alone.
GRANT DELETE ON audit.verifications, ingest.batches, ingest.producer_marks, privacy.dead_letters, privacy.erasures,
    privacy.erasures_by_table, privacy.legal_holds, privacy.privacy_exclusions, privacy.privacy_exclusion_sync_log,
    privacy.subjects, privacy.tombstones
    TO telemetry_retention;
GRANT INSERT, UPDATE (partitions) ON privacy.retention_announced TO telemetry_retention;
GRANT EXECUTE ON FUNCTION privacy.record_retention_run(jsonb), privacy.expire_retention_runs() TO telemetry_retention;
GRANT DELETE ON audit.intake_gaps, audit.intake_marks TO telemetry_retention;
