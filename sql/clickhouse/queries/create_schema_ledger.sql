-- What has been applied to this database: the newest row of each file counts.
CREATE TABLE IF NOT EXISTS schema_ledger
(
    item String COMMENT 'folder/name of the SQL file',
    checksum String COMMENT 'SHA-256 of the file as it was applied',
    at_change UInt32 COMMENT 'number of the newest change there was: a table made then includes the changes up to it',
    how LowCardinality(String) COMMENT 'executed, or included in the table as it was made',
    applied_at DateTime64(6, 'UTC') COMMENT 'when, by the clock of the command',
    written_at DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'when, by the clock of the server: tells the newest row'
)
ENGINE = MergeTree
ORDER BY (item, written_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'What has been applied to this database.'
