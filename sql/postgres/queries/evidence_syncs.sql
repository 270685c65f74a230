-- Tries to bring the exclusion list up to date that began in a period.
SELECT sync_id, mode, status, began_at, ended_at, accept_shrink, updates_after, requests, http_status, error_code, received,
    ignored, refused, added, withdrawn, active, warnings
FROM privacy.privacy_exclusion_sync_log
WHERE began_at >= %(begins)s::timestamptz AND began_at < %(ends)s::timestamptz
ORDER BY sync_id;
