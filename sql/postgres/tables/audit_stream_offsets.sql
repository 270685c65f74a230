-- Moved by `audit.append` in the transaction of the rows. One batch of a stream is open at a time, so the last one is
-- enough to recognise a replay.
CREATE TABLE audit.stream_offsets (
    stream text PRIMARY KEY,
    batch_id text NOT NULL,
    fencing bigint NOT NULL,
    seq bigint NOT NULL,
    stored bigint NOT NULL,
    duplicate bigint NOT NULL,
    id_conflict bigint NOT NULL,
    appended_at timestamptz NOT NULL
);

COMMENT ON TABLE audit.stream_offsets IS 'The last batch that each landing stream brought to the trail.';
COMMENT ON COLUMN audit.stream_offsets.stream IS 'landing stream';
COMMENT ON COLUMN audit.stream_offsets.batch_id IS 'its last batch';
COMMENT ON COLUMN audit.stream_offsets.fencing IS 'fencing number of the drain that brought it; never goes back';
COMMENT ON COLUMN audit.stream_offsets.seq IS 'end of the trail after the batch';
COMMENT ON COLUMN audit.stream_offsets.stored IS 'entries of the batch that became rows';
COMMENT ON COLUMN audit.stream_offsets.duplicate IS 'entries that were in the trail already';
COMMENT ON COLUMN audit.stream_offsets.id_conflict IS 'entries whose event_id is in the trail with another content';
COMMENT ON COLUMN audit.stream_offsets.appended_at IS 'when';
