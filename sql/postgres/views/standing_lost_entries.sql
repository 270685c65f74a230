-- Holes in what API processes numbered, older than a minute: two requests of one process may arrive in the other order.
CREATE OR REPLACE VIEW standing.lost_entries AS
SELECT g.stream, sum(g.missing)::bigint AS missing, count(DISTINCT g.producer) AS producers, min(g.gap_since) AS since
FROM ingest.producer_gaps AS g
WHERE g.gap_since < ops.now() - interval '1 minute'
GROUP BY g.stream;

COMMENT ON VIEW standing.lost_entries IS 'Numbered entries that never reached the drain, by stream.';
