-- Batches that are open, or stored and not yet out of their stream. One that lasts broke the worker or the store.
CREATE OR REPLACE VIEW standing.unfinished AS
SELECT
    b.kind, b.stream, b.state, count(*) AS batches, sum(b.entries)::bigint AS entries, max(b.attempts) AS attempts,
    min(b.opened_at) AS since
FROM ingest.batches AS b
WHERE b.state IN ('open', 'closed')
GROUP BY b.kind, b.stream, b.state;

COMMENT ON VIEW standing.unfinished IS 'Batches that the drain has begun and not ended, by stream.';
