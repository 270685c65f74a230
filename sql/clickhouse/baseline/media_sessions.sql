-- One row per session and fold; the newest version of a session is the session.
--
-- ORDER BY the session's identity alone and no PARTITION BY: rows in two partitions never collapse, and every other column
--   of a session can change with a later event. The tenant is part of the identity: clients choose the ids, and without
--   it one tenant's session would replace another's.
-- Read it through media_sessions_current: merges collapse versions at some time, never at a known one.
-- Windows and fsync: see media_events.
CREATE TABLE media_sessions
(
    session_id UUID COMMENT 'UUID of the view, made by the frontend',
    occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'client time, corrected by the clock rule; partitions and rollups use it',
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the API took the event',
    ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the drain stored the row',
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
    media_id LowCardinality(String) COMMENT 'pseudonym of the medium',
    media_type LowCardinality(String) COMMENT 'what was watched, e.g. video',
    started_at Nullable(DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)) COMMENT 'corrected time of session_start; NULL without one',
    ended_at Nullable(DateTime64(3, 'UTC')) CODEC(Delta, ZSTD(1)) COMMENT 'corrected time of the end; NULL while it has none',
    last_event_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'corrected time of the latest event',
    last_received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the API took the latest event; silence is measured from here',
    state LowCardinality(String) COMMENT 'active, paused, completed or abandoned',
    end_derived Bool COMMENT 'abandoned was derived from silence; a later event revokes it',
    start_seen Bool COMMENT 'a session_start has arrived',
    event_count UInt32 COMMENT 'distinct events folded',
    total_duration_seconds Nullable(Float64) COMMENT 'length of the medium [s]',
    connection_type LowCardinality(Nullable(String)) COMMENT 'network as the browser names it',
    effective_bandwidth Nullable(Float64) COMMENT 'bandwidth that the browser estimated [Mbit/s]',
    rtt_ms Nullable(Float64) COMMENT 'round-trip time that the browser estimated [ms]',
    ttfb_ms Nullable(Float64) COMMENT 'time to the first byte [ms]',
    load_ms Nullable(Float64) COMMENT 'time until the medium could play [ms]',
    cdn_response_time_ms Nullable(Float64) COMMENT 'CDN''s answer at the start [ms]',
    startup_ms Nullable(Float64) COMMENT 'first play - session_start [ms]',
    position_seconds Nullable(Float64) COMMENT 'position at the latest event that names one [s]',
    furthest_seconds Nullable(Float64) COMMENT 'furthest position reached [s]',
    buffering_count Nullable(UInt32) COMMENT 'stalls as the player counted them (cumulative counter)',
    buffering_duration_ms Nullable(Float64) COMMENT 'stalled time as the player counted it [ms]',
    stall_count UInt32 COMMENT 'stalls paired from events: neither startup nor seek',
    stall_ms Float64 COMMENT 'time in those stalls [ms]',
    seek_stall_ms Float64 COMMENT 'time stalled within a second of a seek [ms]',
    watched_seconds Float64 COMMENT 'time played, without pauses and stalls [s]',
    completion Nullable(Float64) COMMENT 'min(1, furthest position / duration); NULL without a duration',
    avg_bitrate Nullable(Float64) COMMENT 'bitrate weighted by time [bit/s]',
    last_bitrate Nullable(UInt32) COMMENT 'bitrate at the latest event that names one [bit/s]',
    resolution LowCardinality(Nullable(String)) COMMENT 'resolution at the latest event that names one',
    dropped_frames Nullable(UInt32) COMMENT 'frames dropped (cumulative counter)',
    milestones Array(UInt8) COMMENT 'shares of the medium reached, ascending [%]',
    error_count UInt32 COMMENT 'player errors',
    fatal_error Bool COMMENT 'an error ended playback',
    conflicting_terminals UInt32 COMMENT 'ends that contradict the first one',
    skewed Bool COMMENT 'a clock of this session was corrected',
    fold_version UInt64 COMMENT 'rules version * 2^40 + number of distinct events folded'
)
ENGINE = ReplacingMergeTree(fold_version)
ORDER BY (session_id, org_id)
TTL toDateTime(occurred_at) + INTERVAL 2 YEAR + INTERVAL 1 MONTH
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'One view of one medium: startup, stalls, quality, watched time, and how it ended.';
