-- Rows of one partition.
SELECT count()
FROM {table:Identifier}
WHERE _partition_id = {partition:String};
