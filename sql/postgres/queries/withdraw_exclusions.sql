-- Ends what is in force and not in the staged list: a full list is the only sign of a withdrawal.
UPDATE privacy.privacy_exclusions e
SET withdrawn_at = greatest(%(now)s, e.listed_at), withdrawn_by = %(sync_id)s
WHERE e.withdrawn_at IS NULL
    AND NOT EXISTS (SELECT FROM privacy.privacy_exclusions_staged s WHERE s.network = e.network)
