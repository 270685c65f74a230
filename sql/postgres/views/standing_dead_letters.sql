-- Counts of what the drain put aside, by the hour in which it failed first; neither bodies nor whose they are.
CREATE OR REPLACE VIEW standing.dead_letters AS
SELECT
    date_trunc('hour', l.created_at, 'UTC') AS hour, l.kind, l.reason,
    CASE
        WHEN l.dropped_at IS NOT NULL THEN 'dropped'
        WHEN l.replayed_at IS NOT NULL THEN 'replayed'
        ELSE 'waiting'
    END AS state,
    count(*) AS letters, min(l.failed_at) AS since
FROM privacy.dead_letters AS l
GROUP BY 1, 2, 3, 4;

COMMENT ON VIEW standing.dead_letters IS 'Entries that the drain put aside, by hour, kind, reason and state.';
