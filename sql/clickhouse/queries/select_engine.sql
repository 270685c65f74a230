-- What a table is made with, its TTL included.
SELECT engine_full
FROM system.tables
WHERE database = currentDatabase() AND name = {table:String};
