-- Analysts on a real server: they read the analysts' views and nothing else, within limits. An administrator runs this
-- once, in the platform's database (`clickhouse-client --database telemetry --multiquery < telemetry_analyst.sql`), and
-- again after a release with more views. The embedded engine has no roles.
--
-- A user is made by hand: CREATE USER <name> IDENTIFIED BY ... DEFAULT ROLE telemetry_analyst.
-- The views run with their definer's rights, so that the role needs none on what they read.
-- Tenants: an analyst of the platform sees all of them. A tenant's own people have no login here, and ask the API's
--   statistics, which take the tenant from the token: below a view its definer's row policies count, not its reader's.
-- Nothing but SELECT is granted: no external sources, no files, no temporary tables. readonly = 2 lets drivers set how
--   answers are formatted; the limits below are CONST.
CREATE ROLE IF NOT EXISTS telemetry_analyst;

CREATE SETTINGS PROFILE OR REPLACE telemetry_analyst
SETTINGS
    readonly = 2,
    allow_ddl = 0 CONST,
    max_execution_time = 30 CONST,
    max_memory_usage = 4000000000 CONST,
    max_rows_to_read = 100000000 CONST,
    max_result_rows = 1000000 CONST,
    result_overflow_mode = 'throw' CONST,
    max_concurrent_queries_for_user = 4 CONST
TO telemetry_analyst;

CREATE QUOTA OR REPLACE telemetry_analyst
KEYED BY user_name
FOR INTERVAL 1 hour MAX
    queries = 1000, errors = 200, result_rows = 10000000, read_rows = 2000000000, execution_time = 1800
TO telemetry_analyst;

REVOKE ALL ON *.* FROM telemetry_analyst;

GRANT SELECT ON api_health_between TO telemetry_analyst;
GRANT SELECT ON api_health_daily TO telemetry_analyst;
GRANT SELECT ON errors_between TO telemetry_analyst;
GRANT SELECT ON errors_daily TO telemetry_analyst;
GRANT SELECT ON exercise_range_of_motion TO telemetry_analyst;
GRANT SELECT ON exercise_range_of_motion_between TO telemetry_analyst;
GRANT SELECT ON media_health_between TO telemetry_analyst;
GRANT SELECT ON media_health_daily TO telemetry_analyst;
GRANT SELECT ON staff_by_team_between TO telemetry_analyst;
GRANT SELECT ON staff_daily_by_team TO telemetry_analyst;
GRANT SELECT ON stalls_between TO telemetry_analyst;
GRANT SELECT ON stalls_daily TO telemetry_analyst;
GRANT SELECT ON video_health_between TO telemetry_analyst;
GRANT SELECT ON video_health_daily TO telemetry_analyst;
