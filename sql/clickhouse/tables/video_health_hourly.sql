-- Sessions by hour and one dimension, a day a partition: a rebuild swaps the whole day.
--
-- ORDER BY: a tenant's figures of one dimension over a stretch of time.
-- index_granularity: a row is a kilobyte of histograms, and of 8,192 of them a tenant's day is a few hundred. Compact parts: a
--   week asks eight parts for forty columns, and opening their files took longer than reading them (33 to 24 ms, tried).
-- Windows and fsync: see media_events.
CREATE TABLE video_health_hourly
(
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    hour DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'the UTC hour',
    dimension LowCardinality(String) COMMENT 'what `value` is one of: all, or the name of a column',
    value LowCardinality(String) COMMENT 'value of the dimension; empty for all, and where it is not known',
    sessions UInt64 CODEC(ZSTD(1)) COMMENT 'sessions of people, bots left out',
    started UInt64 CODEC(ZSTD(1)) COMMENT 'sessions whose session_start has arrived',
    completed UInt64 CODEC(ZSTD(1)) COMMENT 'sessions that were completed',
    abandoned UInt64 CODEC(ZSTD(1)) COMMENT 'sessions that were abandoned',
    fatal_sessions UInt64 CODEC(ZSTD(1)) COMMENT 'sessions whose playback an error ended',
    error_count UInt64 CODEC(ZSTD(1)) COMMENT 'player errors',
    stalled_sessions UInt64 CODEC(ZSTD(1)) COMMENT 'sessions with a stall, neither startup nor seek',
    never_played UInt64 CODEC(ZSTD(1)) COMMENT 'sessions in which nothing played and no error ended playback',
    ttfb_ms_count UInt64 CODEC(ZSTD(1)) COMMENT 'sessions with a time to the first byte',
    ttfb_ms_sum Float64 CODEC(ZSTD(1)) COMMENT 'sum of the time to the first byte [ms]',
    load_ms_count UInt64 CODEC(ZSTD(1)) COMMENT 'sessions with a time until the medium could play',
    load_ms_sum Float64 CODEC(ZSTD(1)) COMMENT 'sum of the time until the medium could play [ms]',
    startup_ms_count UInt64 CODEC(ZSTD(1)) COMMENT 'sessions with a startup time',
    startup_ms_sum Float64 CODEC(ZSTD(1)) COMMENT 'sum of the startup time [ms]',
    stall_count UInt64 CODEC(ZSTD(1)) COMMENT 'stalls, neither startup nor seek',
    stall_ms Float64 CODEC(ZSTD(1)) COMMENT 'time in those stalls [ms]',
    seek_stall_ms Float64 CODEC(ZSTD(1)) COMMENT 'time stalled within a second of a seek [ms]',
    buffering_count_count UInt64 CODEC(ZSTD(1)) COMMENT 'sessions whose player counted its stalls',
    buffering_count_sum UInt64 CODEC(ZSTD(1)) COMMENT 'stalls as players counted them',
    buffering_duration_ms_count UInt64 CODEC(ZSTD(1)) COMMENT 'sessions whose player measured its stalls',
    buffering_duration_ms_sum Float64 CODEC(ZSTD(1)) COMMENT 'stalled time as players measured it [ms]',
    watched_seconds Float64 CODEC(ZSTD(1)) COMMENT 'time played [s]',
    bitrate_seconds Float64 CODEC(ZSTD(1)) COMMENT 'sum of bitrate times time played [bit]',
    bitrate_weight Float64 CODEC(ZSTD(1)) COMMENT 'time played of sessions with a bitrate [s]',
    completion_count UInt64 CODEC(ZSTD(1)) COMMENT 'sessions whose completion is known',
    completion_sum Float64 CODEC(ZSTD(1)) COMMENT 'sum of their completions, each 0 to 1',
    dropped_frames UInt64 CODEC(ZSTD(1)) COMMENT 'frames dropped',
    frames_sessions UInt64 CODEC(ZSTD(1)) COMMENT 'sessions that report dropped frames',
    startup_score_count UInt64 CODEC(ZSTD(1)) COMMENT 'sessions with a score of startup: 8 / (8 + startup in s)',
    startup_score_sum Float64 CODEC(ZSTD(1)) COMMENT 'sum of the scores of startup: 8 / (8 + startup in s), each 0 to 100',
    smoothness_score_count UInt64 CODEC(ZSTD(1)) COMMENT 'sessions with a score of smoothness: few and short stalls',
    smoothness_score_sum Float64 CODEC(ZSTD(1)) COMMENT 'sum of the scores of smoothness: few and short stalls, each 0 to 100',
    success_score_count UInt64 CODEC(ZSTD(1)) COMMENT 'sessions with a score of success: 100 played, 50 left before, 0 fatal error, none when left within a second',
    success_score_sum Float64 CODEC(ZSTD(1)) COMMENT 'sum of the scores of success: 100 played, 50 left before, 0 fatal error, none when left within a second, each 0 to 100',
    ttfb_ms_histogram Array(UInt32) CODEC(ZSTD(1)) COMMENT 'sessions by bucket of ttfb_ms',
    load_ms_histogram Array(UInt32) CODEC(ZSTD(1)) COMMENT 'sessions by bucket of load_ms',
    startup_ms_histogram Array(UInt32) CODEC(ZSTD(1)) COMMENT 'sessions by bucket of startup_ms',
    few_actors Array(UInt64) CODEC(ZSTD(1)) COMMENT 'marks of at most five persons of each key epoch: enough to tell whether a group has five',
    built_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the day was rebuilt'
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(hour)
ORDER BY (org_id, dimension, hour, value)
TTL toDateTime(hour) + INTERVAL 2 YEAR + INTERVAL 1 MONTH
SETTINGS
    index_granularity = 1024,
    min_bytes_for_wide_part = 1073741824,
    min_rows_for_wide_part = 100000000,
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Video health by hour and one dimension: startup, stalls, bitrate, outcomes.';
