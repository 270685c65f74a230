-- The other half of PostgreSQL's `ops.restore_marks`: a database that lacks the latest mark of the other one was restored
-- from a backup.
CREATE TABLE restore_marks
(
    mark_id UUID COMMENT 'the mark',
    number UInt64 COMMENT 'its place among all marks; above those of both databases when it was made',
    written_at DateTime64(3, 'UTC') COMMENT 'when it was made'
)
ENGINE = MergeTree
ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Marks by which a restored database is told from one that went on.';
