-- What is staged and not yet in force.
INSERT INTO privacy.privacy_exclusions (exclusion_type, network, last_updated, listed_at, listed_by)
SELECT %(exclusion_type)s, s.network, s.last_updated, %(now)s, %(sync_id)s
FROM privacy.privacy_exclusions_staged s
WHERE NOT EXISTS (
    SELECT FROM privacy.privacy_exclusions e WHERE e.withdrawn_at IS NULL AND e.network = s.network
)
