-- One row per event that consent, GPC or an exclusion kept out: counts, without a person in them.
--
-- ORDER BY: drops are counted by tenant, kind and reason.
-- Windows and fsync: see media_events.
CREATE TABLE consent_drops
(
    event_id UUID CODEC(NONE) COMMENT 'the event''s identity within its tenant: given by the client or derived',
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the API took the event',
    ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the drain stored the row',
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    consent_level UInt8 COMMENT 'the level that was used for this event (0 to 3)',
    batch_id LowCardinality(String) COMMENT 'batch that stored the row; a replay is recognised by it',
    kind LowCardinality(String) COMMENT 'kind of the dropped event',
    event LowCardinality(String) COMMENT 'type of the dropped event, empty for kinds without types',
    reason LowCardinality(String) COMMENT 'consent_too_low, erased, excluded_network, global_privacy_control or purpose_not_agreed'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (org_id, kind, reason, received_at)
TTL toDateTime(received_at) + INTERVAL 2 YEAR + INTERVAL 1 MONTH
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'One row per dropped event: the proof that consent is respected, without a person in it.';
