-- One day of a rollup as it lies there.
SELECT *
FROM {table:Identifier}
WHERE _partition_id = {partition:String};
