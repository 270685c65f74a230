-- PostgreSQL lets everybody execute a new function: here a role is named or it may not.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA audit, ingest, ops, privacy, security, standing FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA audit, ingest, ops, privacy, security, standing FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit, ingest, ops, privacy, security, standing FROM PUBLIC;
