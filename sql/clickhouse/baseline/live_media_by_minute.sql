-- Events of players of the last day by minute: see live_api_by_minute; what must add up is in video_health_hourly.
CREATE TABLE live_media_by_minute
(
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    minute DateTime('UTC') COMMENT 'begin of the minute, by occurred_at',
    event LowCardinality(String) COMMENT 'type of the event',
    events SimpleAggregateFunction(sum, UInt64) COMMENT 'events'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMMDD(minute)
ORDER BY (org_id, event, minute)
TTL minute + INTERVAL 2 DAY
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800
COMMENT 'Events of players of the last day by minute, about right at once.';
