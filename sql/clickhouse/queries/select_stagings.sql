-- Tables in which days of rollups are prepared, with the second at which each was made.
SELECT name, toUnixTimestamp(metadata_modification_time) AS made_at
FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, 'staged_');
