-- Tries to bring the exclusion list up to date, the newest first: of one mode and of some statuses, where they are given.
SELECT sync_id, mode, status, began_at, ended_at, accept_shrink, updates_after, requests, http_status, error_code, received,
    ignored, refused, added, withdrawn, active, warnings
FROM privacy.privacy_exclusion_sync_log
WHERE (%(statuses)s::text[] IS NULL OR status = ANY(%(statuses)s::text[]))
    AND (%(mode)s::text IS NULL OR mode = %(mode)s::text)
ORDER BY sync_id DESC
LIMIT %(limit)s
