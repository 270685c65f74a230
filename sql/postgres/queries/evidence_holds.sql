-- Legal holds that were placed, released or in force in a period; not on whom.
SELECT hold_id, org_id, placed_at, released_at, why, released_why
FROM privacy.legal_holds
WHERE placed_at < %(ends)s::timestamptz AND (released_at IS NULL OR released_at >= %(begins)s::timestamptz)
ORDER BY placed_at, hold_id;
