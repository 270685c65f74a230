-- Stalls as they are now: the newest version of each, without those taken back and without expired ones.
--
-- tuple(): argMax passes over NULLs, and would put an older version's value where the newest version has none.
CREATE OR REPLACE VIEW media_buffering_current AS
WITH (row.fold_version, row.is_deleted, row.ingested_at) AS version
SELECT
    session_id,
    org_id,
    event_id,
    argMax(tuple(row.occurred_at), version).1 AS occurred_at,
    argMax(tuple(row.received_at), version).1 AS received_at,
    argMax(tuple(row.ingested_at), version).1 AS ingested_at,
    argMax(tuple(row.actor_hash), version).1 AS actor_hash,
    argMax(tuple(row.key_epoch), version).1 AS key_epoch,
    argMax(tuple(row.ip_truncated), version).1 AS ip_truncated,
    argMax(tuple(row.country_code), version).1 AS country_code,
    argMax(tuple(row.region), version).1 AS region,
    argMax(tuple(row.device_type), version).1 AS device_type,
    argMax(tuple(row.browser_family), version).1 AS browser_family,
    argMax(tuple(row.os_family), version).1 AS os_family,
    argMax(tuple(row.is_bot), version).1 AS is_bot,
    argMax(tuple(row.consent_level), version).1 AS consent_level,
    argMax(tuple(row.media_id), version).1 AS media_id,
    argMax(tuple(row.started_at), version).1 AS started_at,
    argMax(tuple(row.ended_at), version).1 AS ended_at,
    argMax(tuple(row.duration_ms), version).1 AS duration_ms,
    argMax(tuple(row.position_seconds), version).1 AS position_seconds,
    argMax(tuple(row.cause), version).1 AS cause,
    argMax(tuple(row.bitrate_before), version).1 AS bitrate_before,
    argMax(tuple(row.bitrate_after), version).1 AS bitrate_after,
    argMax(tuple(row.cdn_response_time_ms), version).1 AS cdn_response_time_ms,
    argMax(tuple(row.closed_by), version).1 AS closed_by,
    max(row.fold_version) AS fold_version
FROM media_buffering_events AS row
GROUP BY session_id, org_id, event_id
HAVING argMax(row.is_deleted, version) = 0
    AND occurred_at >= telemetry_now() - toIntervalYear(1);
