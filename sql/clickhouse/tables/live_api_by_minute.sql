-- Requests of the last day by minute, filled by an insert-triggered view: for looking at what happens now.
--
-- A batch that is inserted again under its token is counted once, since this table knows tokens as its base does. What the
-- drain inserts under another token after a kill may be missing or counted twice, and nothing is ever taken back: what must
-- add up is in api_health_hourly.
CREATE TABLE live_api_by_minute
(
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    minute DateTime('UTC') COMMENT 'begin of the minute, by occurred_at',
    route LowCardinality(String) COMMENT 'route template',
    method LowCardinality(String) COMMENT 'HTTP method',
    requests SimpleAggregateFunction(sum, UInt64) COMMENT 'answered requests',
    server_errors SimpleAggregateFunction(sum, UInt64) COMMENT 'answers with a status of 500 or more',
    duration_ms_quantiles AggregateFunction(quantilesTDigest(0.5, 0.95), Float64) COMMENT 'state of the times that answers took'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMMDD(minute)
ORDER BY (org_id, route, method, minute)
TTL minute + INTERVAL 2 DAY
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800
COMMENT 'Requests of the last day by minute, about right at once.';
