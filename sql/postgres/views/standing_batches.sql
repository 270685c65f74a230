-- What became of every batch, without the ids of its entries. `waited_seconds`: how long its oldest entry waited until it
-- was stored. A batch without a time of receipt held nothing but unreadable entries.
CREATE OR REPLACE VIEW standing.batches AS
SELECT
    b.closed_at, b.kind, b.stream, b.attempts, b.events, b.stored, b.duplicate, b.id_conflict, b.too_late, b.erased,
    b.dead_lettered, b.missing,
    extract(epoch FROM b.closed_at - b.opened_at)::double precision AS seconds,
    extract(epoch FROM b.closed_at - b.first_received_at)::double precision AS waited_seconds
FROM ingest.batches AS b
WHERE b.state IN ('closed', 'acked');

COMMENT ON VIEW standing.batches IS 'Every ended batch: what became of its events, and how long they had waited.';
