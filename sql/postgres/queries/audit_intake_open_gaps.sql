-- Gaps that nobody has explained and that are older than their entries may be late: what is still missing of each. Two
-- requests of one process can arrive in the other order.
SELECT gap_id, origin, place, producer, lower(missing) AS first_missing, upper(missing) - 1 AS last_missing,
    (SELECT sum(upper(run) - lower(run)) FROM unnest(missing) AS run)::bigint AS numbers, noticed_at
FROM audit.intake_gaps
WHERE closed_at IS NULL AND explained_at IS NULL AND noticed_at <= %(now)s - make_interval(secs => %(seconds)s)
ORDER BY noticed_at, gap_id;
