-- The holes in what producers numbered: each row is a run of entries that never reached the drain.
CREATE OR REPLACE VIEW ingest.producer_gaps AS
SELECT m.stream,
       m.producer,
       lower(hole)                  AS first_missing,
       upper(hole) - 1              AS last_missing,
       upper(hole) - lower(hole)    AS missing,
       m.gap_since,
       m.updated_at
FROM ingest.producer_marks AS m,
     unnest(int8multirange(int8range(1, m.high_water + 1)) - m.seen) AS hole;
COMMENT ON VIEW ingest.producer_gaps IS 'Runs of numbered entries that never reached the drain; a hole that stays is a loss.';
