-- Writes the stalls of some sessions, as media_stalls pairs them now. Parameters: see fold_media_sessions.
--
-- A stall carries its session's context (the person, the device, the place) and the version that its session has now.
INSERT INTO media_buffering_events
(
    event_id, occurred_at, received_at, ingested_at, org_id, actor_hash, key_epoch, ip_truncated, country_code, region,
    device_type, browser_family, os_family, is_bot, consent_level, session_id, media_id, started_at, ended_at,
    duration_ms, position_seconds, cause, bitrate_before, bitrate_after, cdn_response_time_ms, closed_by, is_deleted,
    fold_version
)
WITH facts AS
(
    SELECT
        session_id,
        org_id,
        argMin(
            (
                actor_hash, key_epoch, ip_truncated, country_code, region, device_type, browser_family,
                os_family, is_bot, media_id
            ),
            (client_at, event_id, received_at, ingested_at)
        ) AS context,
        min(consent_level) AS level
    FROM media_events
    WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
        AND occurred_at >= {since:DateTime64(3, 'UTC')}
    GROUP BY session_id, org_id
)
SELECT
    stall.event_id,
    fromUnixTimestamp64Milli(began, 'UTC'),
    received_at,
    {now:DateTime64(3, 'UTC')},
    org_id,
    context.1, context.2, context.3, context.4, context.5, context.6, context.7, context.8, context.9,
    level,
    session_id,
    context.10,
    fromUnixTimestamp64Milli(began, 'UTC'),
    fromUnixTimestamp64Milli(ended, 'UTC'),
    lasted_ms,
    position_seconds,
    cause,
    bitrate_before,
    bitrate_after,
    cdn_response_time_ms,
    closed_by,
    0,
    1 * bitShiftLeft(1::UInt64, 40) + events
FROM media_stalls(sessions = {sessions:Text}, since = {since:DateTime64(3, 'UTC')}) AS stall
INNER JOIN facts USING (session_id, org_id);
