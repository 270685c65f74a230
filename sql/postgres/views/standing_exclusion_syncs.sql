-- The log of the exclusion list: counts and words of ours; no network.
CREATE OR REPLACE VIEW standing.exclusion_syncs AS
SELECT
    s.sync_id, s.mode, s.status, s.began_at, s.ended_at, s.http_status, s.received, s.ignored, s.refused, s.added,
    s.withdrawn, s.active, extract(epoch FROM s.ended_at - s.began_at)::double precision AS seconds
FROM privacy.privacy_exclusion_sync_log AS s;

COMMENT ON VIEW standing.exclusion_syncs IS 'Every try to bring the list of excluded networks up to date, and how it ended.';
