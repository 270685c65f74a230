-- One row per stall and fold; a stall that a later event showed to be none is taken back by a row with is_deleted = 1.
--
-- event_id is the id of the event that opened the stall (of its buffering_end, where the start never came), so that the same
--   stall keeps its key through every fold; no PARTITION BY, because its time may change with a later event.
-- Read it through media_buffering_current.
-- Windows and fsync: see media_events.
CREATE TABLE media_buffering_events
(
    event_id UUID CODEC(NONE) COMMENT 'the event''s identity within its tenant: given by the client or derived',
    occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'client time, corrected by the clock rule; partitions and rollups use it',
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the API took the event',
    ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the drain stored the row',
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
    session_id UUID COMMENT 'UUID of the view, made by the frontend',
    media_id LowCardinality(String) COMMENT 'pseudonym of the medium',
    started_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'corrected time at which playback stalled',
    ended_at Nullable(DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)) COMMENT 'corrected time at which the stall ended; NULL while it lasts',
    duration_ms Nullable(Float64) COMMENT 'length of the stall; NULL while it lasts [ms]',
    position_seconds Nullable(Float64) COMMENT 'position in the medium [s]',
    cause LowCardinality(String) COMMENT 'rebuffer, seek or startup',
    bitrate_before Nullable(UInt32) COMMENT 'bitrate when the stall began [bit/s]',
    bitrate_after Nullable(UInt32) COMMENT 'bitrate after the stall [bit/s]',
    cdn_response_time_ms Nullable(Float64) COMMENT 'CDN''s answer to the segment request [ms]',
    closed_by LowCardinality(String) COMMENT 'buffering_end, play, pause, session_end, next_stall, end_only or open',
    is_deleted UInt8 COMMENT '1 takes back a stall that a later event showed to be none',
    fold_version UInt64 COMMENT 'rules version * 2^40 + number of distinct events folded'
)
ENGINE = ReplacingMergeTree(fold_version, is_deleted)
ORDER BY (session_id, org_id, event_id)
TTL toDateTime(occurred_at) + INTERVAL 1 YEAR + INTERVAL 1 MONTH
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'One stall of one view: when, where in the medium, how long, why, and what closed it.';
