-- Requests by hour and route, a day a partition.
-- index_granularity: a row is a kilobyte of histograms, and of 8,192 of them a tenant's day is a few hundred. Compact parts: a
--   week asks eight parts for forty columns, and opening their files took longer than reading them (33 to 24 ms, tried).
-- Windows and fsync: see media_events.
CREATE TABLE api_health_hourly
(
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    hour DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'the UTC hour',
    method LowCardinality(String) COMMENT 'HTTP method',
    route LowCardinality(String) COMMENT 'route template, never a raw path',
    requests UInt64 CODEC(ZSTD(1)) COMMENT 'answered requests',
    client_errors UInt64 CODEC(ZSTD(1)) COMMENT 'answers with a status of 400 to 499',
    server_errors UInt64 CODEC(ZSTD(1)) COMMENT 'answers with a status of 500 to 599',
    duration_ms_sum Float64 CODEC(ZSTD(1)) COMMENT 'sum of the times that answers took [ms]',
    duration_ms_histogram Array(UInt32) CODEC(ZSTD(1)) COMMENT 'requests by bucket of duration_ms',
    request_bytes_sum UInt64 CODEC(ZSTD(1)) COMMENT 'size of the requests'' bodies [byte]',
    response_bytes_sum UInt64 CODEC(ZSTD(1)) COMMENT 'size of the answers'' bodies [byte]',
    built_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the day was rebuilt'
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(hour)
ORDER BY (org_id, route, method, hour)
TTL toDateTime(hour) + INTERVAL 1 YEAR + INTERVAL 1 MONTH
SETTINGS
    index_granularity = 1024,
    min_bytes_for_wide_part = 1073741824,
    min_rows_for_wide_part = 100000000,
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Requests of the Core API by hour, method and route: errors, durations, sizes.';
