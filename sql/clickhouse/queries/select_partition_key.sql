-- What a table is partitioned by; empty for one that is not.
SELECT partition_key FROM system.tables WHERE database = currentDatabase() AND name = {table:String};
