-- Grafana and the exporter of metrics: the views of how the platform stands, the trail's counts, and nothing else. Only
-- views, so that no new column of a table is seen before somebody puts it into one.
REVOKE ALL ON ALL TABLES IN SCHEMA audit, ingest, ops, privacy, security, standing FROM telemetry_dashboards;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit, ops, security FROM telemetry_dashboards;
GRANT USAGE ON SCHEMA audit, ops, standing TO telemetry_dashboards;

GRANT SELECT ON ALL TABLES IN SCHEMA standing TO telemetry_dashboards;
GRANT SELECT ON audit.counts_by_day TO telemetry_dashboards;
-- What the views ask: the platform's clock, and from when rows of the trail and of security are still to be seen.
GRANT EXECUTE ON FUNCTION ops.now() TO telemetry_dashboards;
GRANT EXECUTE ON FUNCTION audit.visible_from(regclass) TO telemetry_dashboards;
