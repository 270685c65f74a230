-- Answered requests of the Core API.
--
-- ORDER BY: latency is asked for by route over a stretch of time. PARTITION BY month: retention drops whole months.
-- by_event_id: the drain looks for known ids. Batches are small when the queue is: in 10 million rows 100 ids take 27
--   ms with the filter and 90 without. One filter of four granules and one error in 10,000: of one granule and one
--   error in 1,000, 1,000 ids already pass most. Larger batches leave the filter out (`known_events`). The ids are the
--   only identity: two requests that are equal in every figure are two requests.
-- Windows and fsync: see media_events.
CREATE TABLE api_metrics
(
    event_id UUID CODEC(NONE) COMMENT 'the event''s identity within its tenant: given by the client or derived',
    occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'client time, corrected by the clock rule; partitions and rollups use it',
    client_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'the client''s own clock as it came; order and durations within a session use it',
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the API took the event',
    ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the drain stored the row',
    skewed Bool COMMENT 'the client''s clock was wrong and occurred_at was corrected',
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    batch_id LowCardinality(String) COMMENT 'batch that stored the row; a replay is recognised by it',
    method LowCardinality(String) COMMENT 'HTTP method',
    route LowCardinality(String) COMMENT 'route template, never a raw path',
    status_code UInt16 COMMENT 'HTTP status of the answer',
    duration_ms Float64 CODEC(ZSTD(1)) COMMENT 'time that the answer took [ms]',
    request_bytes Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'size of the request''s body [byte]',
    response_bytes Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'size of the answer''s body [byte]',
    instance LowCardinality(Nullable(String)) COMMENT 'process or pod that answered',
    INDEX by_event_id event_id TYPE bloom_filter(0.0001) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (org_id, route, method, occurred_at)
TTL toDateTime(occurred_at) + INTERVAL 1 YEAR + INTERVAL 1 MONTH
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'One answered request of the Core API: route template, status, duration, sizes.';
