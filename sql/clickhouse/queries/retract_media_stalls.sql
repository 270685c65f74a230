-- Takes back stored stalls that the newest fold of their session no longer finds (an end whose start came later).
--
-- Every fold writes all stalls of a session under the session's version: one that stands under an older version only
-- was not found again. The row that takes it back repeats it under the session's version with is_deleted = 1.
INSERT INTO media_buffering_events
SELECT stall.* REPLACE (1 AS is_deleted, session.version AS fold_version, {now:DateTime64(3, 'UTC')} AS ingested_at)
FROM
(
    SELECT *
    FROM media_buffering_events
    WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
    ORDER BY fold_version DESC, is_deleted DESC
    LIMIT 1 BY session_id, org_id, event_id
) AS stall
INNER JOIN
(
    SELECT
        session_id,
        org_id,
        max(fold_version) AS version
    FROM media_sessions
    WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
    GROUP BY session_id, org_id
) AS session USING (session_id, org_id)
WHERE NOT stall.is_deleted AND stall.fold_version < session.version;
