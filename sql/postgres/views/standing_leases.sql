-- The lease of the drain by the server's own clock; holders are processes and stay unnamed here.
CREATE OR REPLACE VIEW standing.leases AS
SELECT
    l.name, l.fencing, l.expires_at > clock_timestamp() AS held, l.acquired_at, l.renewed_at,
    extract(epoch FROM clock_timestamp() - l.renewed_at)::double precision AS silent_seconds
FROM ingest.leases AS l;

COMMENT ON VIEW standing.leases IS 'Who may drain: whether the lease is held, since when, and its last sign of life.';
