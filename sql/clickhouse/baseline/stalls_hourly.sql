-- Stalls by hour, one dimension and cause, a day a partition.
-- index_granularity: a row is a kilobyte of histograms, and of 8,192 of them a tenant's day is a few hundred. Compact parts: a
--   week asks eight parts for forty columns, and opening their files took longer than reading them (33 to 24 ms, tried).
-- Windows and fsync: see media_events.
CREATE TABLE stalls_hourly
(
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    hour DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'the UTC hour',
    dimension LowCardinality(String) COMMENT 'what `value` is one of: all, or the name of a column',
    value LowCardinality(String) COMMENT 'value of the dimension; empty for all, and where it is not known',
    cause LowCardinality(String) COMMENT 'rebuffer, seek or startup',
    stalls UInt64 CODEC(ZSTD(1)) COMMENT 'stalls of people, bots left out',
    open_stalls UInt64 CODEC(ZSTD(1)) COMMENT 'stalls whose length is not known',
    duration_ms_sum Float64 CODEC(ZSTD(1)) COMMENT 'sum of their lengths [ms]',
    duration_ms_histogram Array(UInt32) CODEC(ZSTD(1)) COMMENT 'stalls by bucket of duration_ms',
    few_actors Array(UInt64) CODEC(ZSTD(1)) COMMENT 'marks of at most five persons of each key epoch: enough to tell whether a group has five',
    built_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the day was rebuilt'
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(hour)
ORDER BY (org_id, dimension, hour, value, cause)
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
COMMENT 'Stalls by hour, one dimension and cause: how many, and how long.';
