-- Keys by domain and epoch, without their bytes and without the names of what wraps them.
CREATE OR REPLACE VIEW standing.keys AS
SELECT
    k.domain, k.epoch, k.active_from, k.active_until, k.bytes_removed_at,
    k.bytes_removed_at IS NOT NULL AND cardinality(k.living_keks) = 0 AS beyond_reach
FROM privacy.key_states AS k;

COMMENT ON VIEW standing.keys IS 'The epochs of each domain of pseudonyms: since when, and whether their keys still exist.';
