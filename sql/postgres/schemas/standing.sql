CREATE SCHEMA IF NOT EXISTS standing;
COMMENT ON SCHEMA standing IS 'How the platform stands, for dashboards and metrics: counts and times, never a person.';
