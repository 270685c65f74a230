-- Days of rollups as they were last rebuilt, each with the mark of its base that was read before the rows were. A day is due
-- when its base has a higher mark now, or the day is not here.
CREATE TABLE ingest.rollup_days (
    rollup      text        NOT NULL,
    day         date        NOT NULL,
    mark        bigint      NOT NULL,
    rows        bigint      NOT NULL,
    built_at    timestamptz NOT NULL,
    duration_ms bigint      NOT NULL,
    run_id      text        NOT NULL,
    -- Since when the day differs from its base, as the last comparison found it.
    differs_since timestamptz,
    PRIMARY KEY (rollup, day)
);
COMMENT ON TABLE ingest.rollup_days IS 'Days of rollups: when each was last rebuilt, and up to which mark of its base.';
