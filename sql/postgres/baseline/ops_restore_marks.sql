-- Marks that both databases and their witnesses carry, one for each thing that removed data for good: a database that
-- lacks one that the others have was restored from a backup, and holds what must not be there.
--   written first here (not confirmed), then in ClickHouse, then confirmed here: a crash in between is no restore
CREATE TABLE ops.restore_marks (
    mark_id      uuid        PRIMARY KEY,
    number       bigint      NOT NULL UNIQUE CHECK (number > 0),
    why          text        NOT NULL CHECK (why IN ('erasure', 'retention', 'restore_check')),
    written_at   timestamptz NOT NULL,
    confirmed_at timestamptz CHECK (confirmed_at >= written_at)
);
COMMENT ON TABLE ops.restore_marks IS 'Marks by which a restored database is told from one that went on.';
