-- Every key that was made before the end of a period, without its bytes.
SELECT domain, epoch, kek_id, active_from, active_until, created_at, destruction_begun_at, bytes_removed_at,
    CASE WHEN destruction_begun_at IS NOT NULL AND cardinality(living_keks) = 0 THEN last_kek_destroyed_at END
        AS last_kek_destroyed_at,
    living_keks
FROM privacy.key_states
WHERE created_at < %(ends)s::timestamptz
ORDER BY domain, epoch;
