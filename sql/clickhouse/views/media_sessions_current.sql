-- Sessions as they are now: the newest version of each, whether or not parts have been merged, and none that has
-- expired.
--
-- Of two rows of one version, the one whose end was derived is the newer: it knows the same events and the silence
-- after. tuple(): argMax passes over NULLs, and would put an older version's value where the newest version has none.
CREATE OR REPLACE VIEW media_sessions_current AS
WITH (row.fold_version, row.end_derived, row.ingested_at) AS version
SELECT
    session_id,
    org_id,
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
    argMax(tuple(row.media_type), version).1 AS media_type,
    argMax(tuple(row.started_at), version).1 AS started_at,
    argMax(tuple(row.ended_at), version).1 AS ended_at,
    argMax(tuple(row.last_event_at), version).1 AS last_event_at,
    argMax(tuple(row.last_received_at), version).1 AS last_received_at,
    argMax(tuple(row.state), version).1 AS state,
    argMax(tuple(row.end_derived), version).1 AS end_derived,
    argMax(tuple(row.start_seen), version).1 AS start_seen,
    argMax(tuple(row.event_count), version).1 AS event_count,
    argMax(tuple(row.total_duration_seconds), version).1 AS total_duration_seconds,
    argMax(tuple(row.connection_type), version).1 AS connection_type,
    argMax(tuple(row.effective_bandwidth), version).1 AS effective_bandwidth,
    argMax(tuple(row.rtt_ms), version).1 AS rtt_ms,
    argMax(tuple(row.ttfb_ms), version).1 AS ttfb_ms,
    argMax(tuple(row.load_ms), version).1 AS load_ms,
    argMax(tuple(row.cdn_response_time_ms), version).1 AS cdn_response_time_ms,
    argMax(tuple(row.startup_ms), version).1 AS startup_ms,
    argMax(tuple(row.position_seconds), version).1 AS position_seconds,
    argMax(tuple(row.furthest_seconds), version).1 AS furthest_seconds,
    argMax(tuple(row.buffering_count), version).1 AS buffering_count,
    argMax(tuple(row.buffering_duration_ms), version).1 AS buffering_duration_ms,
    argMax(tuple(row.stall_count), version).1 AS stall_count,
    argMax(tuple(row.stall_ms), version).1 AS stall_ms,
    argMax(tuple(row.seek_stall_ms), version).1 AS seek_stall_ms,
    argMax(tuple(row.watched_seconds), version).1 AS watched_seconds,
    argMax(tuple(row.completion), version).1 AS completion,
    argMax(tuple(row.avg_bitrate), version).1 AS avg_bitrate,
    argMax(tuple(row.last_bitrate), version).1 AS last_bitrate,
    argMax(tuple(row.resolution), version).1 AS resolution,
    argMax(tuple(row.dropped_frames), version).1 AS dropped_frames,
    argMax(tuple(row.milestones), version).1 AS milestones,
    argMax(tuple(row.error_count), version).1 AS error_count,
    argMax(tuple(row.fatal_error), version).1 AS fatal_error,
    argMax(tuple(row.conflicting_terminals), version).1 AS conflicting_terminals,
    argMax(tuple(row.skewed), version).1 AS skewed,
    max(row.fold_version) AS fold_version
FROM media_sessions AS row
GROUP BY session_id, org_id
HAVING occurred_at >= telemetry_now() - toIntervalYear(2);
