-- Figures of staff's work by day, team and metric, a day a partition.
-- Windows and fsync: see media_events.
CREATE TABLE staff_daily
(
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    day DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'the UTC day, by its first moment',
    team_id LowCardinality(String) COMMENT 'id of the team, stored as its pseudonym',
    metric LowCardinality(String) COMMENT 'what is measured, from a closed list',
    unit LowCardinality(String) COMMENT 'unit of the values',
    figures UInt64 CODEC(ZSTD(1)) COMMENT 'figures that came',
    value_sum Float64 CODEC(ZSTD(1)) COMMENT 'their sum, in the unit beside it',
    value_min Float64 CODEC(ZSTD(1)) COMMENT 'the least of them',
    value_max Float64 CODEC(ZSTD(1)) COMMENT 'the greatest of them',
    few_actors Array(UInt64) CODEC(ZSTD(1)) COMMENT 'marks of at most five persons of each key epoch: enough to tell whether a group has five',
    built_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the day was rebuilt'
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(day)
ORDER BY (org_id, metric, team_id, day, unit)
TTL toDateTime(day) + INTERVAL 1 YEAR + INTERVAL 1 MONTH
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Figures of the work of staff by day, team and metric.';
