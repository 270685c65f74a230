-- Errors of the last day by minute: see live_api_by_minute; what must add up is in errors_hourly.
CREATE TABLE live_errors_by_minute
(
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    minute DateTime('UTC') COMMENT 'begin of the minute, by occurred_at',
    source LowCardinality(String) COMMENT 'what failed: app, video or network',
    errors SimpleAggregateFunction(sum, UInt64) COMMENT 'errors',
    fatal SimpleAggregateFunction(sum, UInt64) COMMENT 'errors after which the app or playback could not go on'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMMDD(minute)
ORDER BY (org_id, source, minute)
TTL minute + INTERVAL 2 DAY
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800
COMMENT 'Errors of the last day by minute, about right at once.';
