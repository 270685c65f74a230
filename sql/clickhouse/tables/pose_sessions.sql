-- One row per exercise session, in the partition of the day of its first frame.
--
-- received_at: an erasure leaves what was begun after it, and looks at it in every table that it sweeps.
-- Windows and fsync: see media_events.
CREATE TABLE pose_sessions
(
    org_id LowCardinality(String) COMMENT 'tenant, from the token',
    session_id UUID CODEC(ZSTD(1)) COMMENT 'UUID of the exercise session, made by the frontend',
    started_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'time of its first frame; the session belongs to that day',
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the API took its first frame',
    actor_hash String CODEC(ZSTD(1)) COMMENT 'pseudonym of the person, under the key of key_epoch; empty without a person',
    key_epoch UInt32 CODEC(ZSTD(1)) COMMENT 'epoch of the key behind actor_hash',
    exercise_id String CODEC(ZSTD(1)) COMMENT 'pseudonym of the exercise',
    device_type LowCardinality(String) COMMENT 'desktop, mobile, tablet, tv, bot or unknown',
    ended_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'time of its last frame',
    frames UInt32 CODEC(ZSTD(1)) COMMENT 'frames that arrived',
    missing_frames UInt32 CODEC(ZSTD(1)) COMMENT 'numbers between the first and the last frame that did not arrive',
    largest_gap_ms Float64 CODEC(ZSTD(1)) COMMENT 'longest time between two frames [ms]',
    duration_ms Float64 CODEC(ZSTD(1)) COMMENT 'time between the first and the last frame [ms]',
    visibility Array(Float32) CODEC(ZSTD(1)) COMMENT 'mean visibility of the 33 landmarks in their order; 0 where none is told',
    visibility_frames Array(UInt32) CODEC(ZSTD(1)) COMMENT 'frames that tell the visibility of each landmark',
    left_elbow_min_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '2.5th percentile of the angle of the left elbow [degree]',
    left_elbow_max_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '97.5th percentile of the angle of the left elbow [degree]',
    right_elbow_min_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '2.5th percentile of the angle of the right elbow [degree]',
    right_elbow_max_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '97.5th percentile of the angle of the right elbow [degree]',
    left_shoulder_min_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '2.5th percentile of the angle of the left shoulder [degree]',
    left_shoulder_max_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '97.5th percentile of the angle of the left shoulder [degree]',
    right_shoulder_min_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '2.5th percentile of the angle of the right shoulder [degree]',
    right_shoulder_max_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '97.5th percentile of the angle of the right shoulder [degree]',
    left_hip_min_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '2.5th percentile of the angle of the left hip [degree]',
    left_hip_max_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '97.5th percentile of the angle of the left hip [degree]',
    right_hip_min_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '2.5th percentile of the angle of the right hip [degree]',
    right_hip_max_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '97.5th percentile of the angle of the right hip [degree]',
    left_knee_min_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '2.5th percentile of the angle of the left knee [degree]',
    left_knee_max_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '97.5th percentile of the angle of the left knee [degree]',
    right_knee_min_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '2.5th percentile of the angle of the right knee [degree]',
    right_knee_max_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '97.5th percentile of the angle of the right knee [degree]',
    left_ankle_min_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '2.5th percentile of the angle of the left ankle [degree]',
    left_ankle_max_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '97.5th percentile of the angle of the left ankle [degree]',
    right_ankle_min_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '2.5th percentile of the angle of the right ankle [degree]',
    right_ankle_max_deg Nullable(Float64) CODEC(ZSTD(1)) COMMENT '97.5th percentile of the angle of the right ankle [degree]',
    built_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the day was rebuilt'
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(started_at)
ORDER BY (org_id, session_id)
TTL toDateTime(started_at) + INTERVAL 6 MONTH + INTERVAL 1 MONTH
SETTINGS
    non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'One exercise session, from its frames: length, gaps, visibility, range of motion.';
