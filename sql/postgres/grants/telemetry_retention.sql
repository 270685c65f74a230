-- The retention job: looks at everything but the keys. The trail's partitions fall through a definer function only.
REVOKE ALL ON ALL TABLES IN SCHEMA audit, ingest, ops, privacy, security FROM telemetry_retention;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit, security FROM telemetry_retention;
GRANT USAGE ON SCHEMA audit, ingest, ops, privacy, security TO telemetry_retention;

GRANT SELECT ON ALL TABLES IN SCHEMA audit, ingest, ops, privacy, security TO telemetry_retention;
REVOKE SELECT ON privacy.key_epochs FROM telemetry_retention;
GRANT EXECUTE ON FUNCTION audit.ensure_partitions(integer), security.ensure_partitions(integer)
    TO telemetry_retention;
