-- The partitions that a table has, by their ids.
SELECT DISTINCT partition_id
FROM system.parts
WHERE database = currentDatabase() AND table = {table:String} AND active;
