-- Errors of app, video and network.
--
-- ORDER BY: errors are counted by tenant, source and fingerprint over a stretch of time; one error's rows stand together,
--   so that their messages and stacks compress to little more than one of them.
-- PARTITION BY month: retention drops whole months.
-- by_event_id: some errors carry a session, some do not, so the drain looks for known ids by the id itself. Batches
--   are small when the queue is: in 10 million rows 100 ids take 27 ms with the filter and 90 without. One filter of
--   four granules and one error in 10,000: of one granule and one error in 1,000, 1,000 ids already pass most. Larger
--   batches leave the filter out (`known_events`).
-- Windows and fsync: see media_events.
CREATE TABLE error_events
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
    source LowCardinality(String) COMMENT 'what failed',
    error_code LowCardinality(String) COMMENT 'code of the player, the browser or the app',
    message Nullable(String) CODEC(ZSTD(1)) COMMENT 'message, scrubbed of personal data',
    stack Nullable(String) CODEC(ZSTD(3)) COMMENT 'stack trace, scrubbed of personal data',
    path LowCardinality(Nullable(String)) COMMENT 'path of the page or request: known segments, every other one as `:x`',
    http_status Nullable(UInt16) COMMENT 'status of the failed request',
    fatal Bool COMMENT 'the app or playback could not go on',
    session_id Nullable(UUID) COMMENT 'view or visit in which it happened; not kept without a token',
    media_id LowCardinality(Nullable(String)) COMMENT 'id of the medium, stored as its pseudonym',
    position_seconds Nullable(Float64) COMMENT 'position in the medium [s]',
    app_version LowCardinality(Nullable(String)) COMMENT 'version of the app, e.g. 4.2.1',
    fingerprint LowCardinality(String) COMMENT 'the same for one error, whatever ids and numbers its message holds',
    INDEX by_event_id event_id TYPE bloom_filter(0.0001) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (org_id, source, fingerprint, occurred_at)
TTL toDateTime(occurred_at) + INTERVAL 1 YEAR + INTERVAL 1 MONTH
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Errors of app, video and network, scrubbed of personal data.';
