-- Intake gaps that were noticed, closed or open in a period; not who explained one.
SELECT gap_id, origin, place, producer, first_missing, last_missing,
    (SELECT coalesce(sum(upper(part) - lower(part)), 0)::bigint FROM unnest(missing) AS part) AS still_missing,
    noticed_at, closed_at, explained_at, explanation
FROM audit.intake_gaps
WHERE noticed_at < %(ends)s::timestamptz AND (closed_at IS NULL OR closed_at >= %(begins)s::timestamptz)
ORDER BY gap_id;
