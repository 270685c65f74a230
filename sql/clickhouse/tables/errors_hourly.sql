-- Errors by hour and fingerprint, a day a partition.
--
-- sessions: distinct ones of an hour; over several hours a session may count twice.
-- Windows and fsync: see media_events.
CREATE TABLE errors_hourly
(
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    hour DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'the UTC hour',
    source LowCardinality(String) COMMENT 'what failed',
    fingerprint LowCardinality(String) COMMENT 'the same for one error, whatever ids and numbers its message holds',
    error_code LowCardinality(String) COMMENT 'its code; of several the first in the alphabet',
    path LowCardinality(Nullable(String)) COMMENT 'where it happened; of several paths the first in the alphabet',
    errors UInt64 CODEC(ZSTD(1)) COMMENT 'errors',
    fatal UInt64 CODEC(ZSTD(1)) COMMENT 'errors after which it could not go on',
    sessions UInt64 CODEC(ZSTD(1)) COMMENT 'distinct sessions of the hour; hours cannot be added up',
    status_4xx UInt64 CODEC(ZSTD(1)) COMMENT 'errors of requests that were answered with 400 to 499',
    status_5xx UInt64 CODEC(ZSTD(1)) COMMENT 'errors of requests that were answered with 500 to 599',
    first_seen DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'the first of them',
    last_seen DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'the last of them',
    few_actors Array(UInt64) CODEC(ZSTD(1)) COMMENT 'marks of at most five persons of each key epoch: enough to tell whether a group has five',
    built_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the day was rebuilt'
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(hour)
ORDER BY (org_id, source, fingerprint, hour)
TTL toDateTime(hour) + INTERVAL 1 YEAR + INTERVAL 1 MONTH
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Errors by hour, source and fingerprint: how many, how grave, in how many sessions.';
