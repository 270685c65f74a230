-- What is in force already and was published again.
UPDATE privacy.privacy_exclusions e
SET last_updated = s.last_updated
FROM privacy.privacy_exclusions_staged s
WHERE e.withdrawn_at IS NULL AND e.network = s.network AND s.last_updated IS DISTINCT FROM e.last_updated
    AND s.last_updated IS NOT NULL
