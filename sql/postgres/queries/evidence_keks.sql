-- Names and ends of the key-encryption keys; not who stated an end.
SELECT kek_id, first_used_at, retired_at, destroyed_at
FROM privacy.keks
WHERE first_used_at < %(ends)s::timestamptz
ORDER BY first_used_at, kek_id;
