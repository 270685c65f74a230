-- The table for copies of held persons' rows, like the table that they are from, but without its TTL: a merge would delete
-- them. In the order in which they are looked for; nobody reads them but erasures, access reports and whoever has to hand
-- them over.
CREATE TABLE IF NOT EXISTS {held:Identifier} AS {table:Text}
ENGINE = MergeTree
PARTITION BY toYYYYMM({time:Identifier})
ORDER BY (org_id, {person:Identifier}, {time:Identifier})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Rows that a legal hold keeps beyond their retention.';
