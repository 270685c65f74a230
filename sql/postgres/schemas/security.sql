CREATE SCHEMA IF NOT EXISTS security;
COMMENT ON SCHEMA security IS 'Attack detection and threat analysis.';
