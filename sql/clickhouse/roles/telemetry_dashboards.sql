-- Grafana on a real server: it reads what the boards ask and nothing else, within limits. An administrator runs this once,
-- in the platform's database (`clickhouse-client --database telemetry --multiquery < telemetry_dashboards.sql`), and again
-- after a release with more panels. The embedded engine has no roles.
--
-- Its user is made by hand: CREATE USER telemetry_dashboards IDENTIFIED BY ... DEFAULT ROLE telemetry_dashboards.
-- What concerns persons is read through the analysts' views, which withhold small groups and run with their definer's
--   rights; the tables and views at the end hold nobody. live_errors and
--   live_media are left out: what happened within a minute tells of one person.
CREATE ROLE IF NOT EXISTS telemetry_dashboards;

CREATE SETTINGS PROFILE OR REPLACE telemetry_dashboards
SETTINGS
    readonly = 2,
    allow_ddl = 0 CONST,
    max_execution_time = 30 CONST,
    max_memory_usage = 4000000000 CONST,
    max_result_rows = 100000 CONST,
    result_overflow_mode = 'throw' CONST
TO telemetry_dashboards;

CREATE QUOTA OR REPLACE telemetry_dashboards
FOR INTERVAL 1 hour MAX
    queries = 20000, errors = 2000, execution_time = 3600
TO telemetry_dashboards;

REVOKE ALL ON *.* FROM telemetry_dashboards;

GRANT SELECT ON video_health_daily TO telemetry_dashboards;
GRANT SELECT ON video_health_between TO telemetry_dashboards;
GRANT SELECT ON media_health_between TO telemetry_dashboards;
GRANT SELECT ON stalls_daily TO telemetry_dashboards;
GRANT SELECT ON stalls_between TO telemetry_dashboards;
GRANT SELECT ON errors_daily TO telemetry_dashboards;
GRANT SELECT ON errors_between TO telemetry_dashboards;
GRANT SELECT ON api_health_hourly TO telemetry_dashboards;
-- Views that run as whoever asks, each with what it reads.
GRANT SELECT ON consent_drops_live TO telemetry_dashboards;
GRANT SELECT ON consent_drops TO telemetry_dashboards;
GRANT SELECT ON live_api TO telemetry_dashboards;
GRANT SELECT ON live_api_by_minute TO telemetry_dashboards;
