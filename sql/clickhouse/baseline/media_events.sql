-- The event log that sessions are folded from.
--
-- ORDER BY: the fold, the anti-join of the drain and support's timeline all ask for whole sessions; a session's events
--   stand together, in the order of its own clock. Ordered by time instead, every fold would read everything. A session
--   is (org_id, session_id): clients choose the ids, so that two tenants may hold the same one. The id comes first,
--   since it alone narrows a lookup down to a session or two.
-- PARTITION BY week: retention deletes by time, and whole partitions cost nothing to drop. A session lasts a day at most, so
--   that its events lie in one partition, sometimes two; the fold names the time it looks at and skips the others.
-- Deduplication windows: a batch is inserted under its own token; the windows hold it for longer than any batch stays open.
-- fsync: the queue forgets an entry as soon as the insert is acknowledged, so it must be on the disk by then.
-- event_id is not compressed: it is random, and trying would only cost time.
CREATE TABLE media_events
(
    event_id UUID CODEC(NONE) COMMENT 'the event''s identity within its tenant: given by the client or derived',
    occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'client time, corrected by the clock rule; partitions and rollups use it',
    client_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'the client''s own clock as it came; order and durations within a session use it',
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the API took the event',
    ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the drain stored the row',
    skewed Bool COMMENT 'the client''s clock was wrong and occurred_at was corrected',
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    actor_hash String CODEC(ZSTD(1)) COMMENT 'pseudonym of the person, under the key of key_epoch; empty without a person',
    key_epoch UInt32 COMMENT 'epoch of the key behind actor_hash',
    ip_truncated Nullable(String) CODEC(ZSTD(1)) COMMENT 'address cut to /24 (IPv4) or /48 (IPv6)',
    country_code LowCardinality(Nullable(String)) COMMENT 'ISO 3166-1 alpha-2, looked up from ip_truncated',
    region LowCardinality(Nullable(String)) COMMENT 'ISO 3166-2 subdivision, looked up from ip_truncated',
    device_type LowCardinality(String) COMMENT 'desktop, mobile, tablet, tv, bot or unknown',
    browser_family LowCardinality(String) COMMENT 'from a closed list, else `other`',
    os_family LowCardinality(String) COMMENT 'from a closed list, else `other`',
    is_bot Bool COMMENT 'the user agent names a crawler or script',
    consent_level UInt8 COMMENT 'the level that was used for this event (0 to 3)',
    batch_id LowCardinality(String) COMMENT 'batch that stored the row; a replay is recognised by it',
    session_id UUID COMMENT 'UUID of the view',
    media_id LowCardinality(String) COMMENT 'id of the medium, stored as its pseudonym',
    media_type LowCardinality(String) COMMENT 'what was watched, e.g. video',
    event LowCardinality(String) COMMENT 'type of the event',
    total_duration_seconds Nullable(Float64) COMMENT 'length of the medium [s]',
    ttfb_ms Nullable(Float64) COMMENT 'time to the first byte of the medium [ms]',
    video_load_time_ms Nullable(Float64) COMMENT 'time until the medium could play [ms]',
    cdn_response_time_ms Nullable(Float64) COMMENT 'time that the CDN took to answer the last segment request [ms]',
    connection_type LowCardinality(Nullable(String)) COMMENT 'network as the browser names it: wifi, 4g, ...',
    effective_bandwidth Nullable(Float64) COMMENT 'bandwidth that the browser estimates [Mbit/s]',
    rtt_ms Nullable(Float64) COMMENT 'round-trip time that the browser estimates [ms]',
    initial_bitrate Nullable(UInt32) COMMENT 'bitrate of the first segment [bit/s]',
    initial_resolution LowCardinality(Nullable(String)) COMMENT 'resolution of the first segment',
    position_seconds Nullable(Float64) COMMENT 'position in the medium [s]',
    buffering_count Nullable(UInt32) COMMENT 'stalls so far',
    buffering_duration_ms Nullable(Float64) COMMENT 'time stalled so far [ms]',
    current_bitrate Nullable(UInt32) COMMENT 'bitrate being played [bit/s]',
    resolution LowCardinality(Nullable(String)) COMMENT 'resolution being played, e.g. 720p',
    dropped_frames Nullable(UInt32) COMMENT 'frames dropped so far',
    bitrate_before Nullable(UInt32) COMMENT 'bitrate when the stall began [bit/s]',
    duration_ms Nullable(Float64) COMMENT 'length of the stall as the player measured it [ms]',
    bitrate_after Nullable(UInt32) COMMENT 'bitrate after the stall [bit/s]',
    from_bitrate Nullable(UInt32) COMMENT 'bitrate before the change [bit/s]',
    to_bitrate Nullable(UInt32) COMMENT 'bitrate after the change [bit/s]',
    from_resolution LowCardinality(Nullable(String)) COMMENT 'resolution before the change',
    to_resolution LowCardinality(Nullable(String)) COMMENT 'resolution after the change',
    reason LowCardinality(Nullable(String)) COMMENT 'why: of a quality change, or of a session''s end',
    from_position Nullable(Float64) COMMENT 'position before the jump [s]',
    to_position Nullable(Float64) COMMENT 'position after the jump [s]',
    percent Nullable(UInt8) COMMENT 'share of the medium reached [%]',
    error_code LowCardinality(Nullable(String)) COMMENT 'code of the player or the browser',
    error_message Nullable(String) CODEC(ZSTD(1)) COMMENT 'message, scrubbed of personal data',
    fatal Nullable(Bool) COMMENT 'playback cannot go on',
    http_status Nullable(UInt16) COMMENT 'status of the failed request',
    watched_seconds Nullable(Float64) COMMENT 'time played, as the player counted it [s]'
)
ENGINE = MergeTree
PARTITION BY toMonday(occurred_at)
ORDER BY (session_id, org_id, client_at, event_id)
TTL toDateTime(occurred_at) + INTERVAL 90 DAY + INTERVAL 1 MONTH
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Every media event once: the log that sessions are folded from and that support''s timeline reads.';
