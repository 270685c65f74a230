-- What is known of every key without its bytes, for whoever may not see those: lists, checks, certificates.
-- `living_keks` are the key-encryption keys that could still open a copy of it in some dump; a destroyed key is beyond
-- reach once there is none left.
CREATE OR REPLACE VIEW privacy.key_states AS
SELECT
    e.domain, e.epoch, e.kek_id, e.active_from, e.active_until, e.created_at, e.destruction_begun_at,
    e.destroyed_at AS bytes_removed_at,
    (
        SELECT coalesce(array_agg(k.kek_id ORDER BY k.first_used_at, k.kek_id), '{}')
        FROM privacy.keks k
        WHERE k.kek_id = ANY (e.kek_ids) AND k.destroyed_at IS NULL
    ) AS living_keks,
    (
        SELECT max(k.destroyed_at) FROM privacy.keks k WHERE k.kek_id = ANY (e.kek_ids)
    ) AS last_kek_destroyed_at
FROM privacy.key_epochs e;
