-- What of one partition has not expired.
INSERT INTO {survivors:Identifier}
SELECT *
FROM {table:Identifier}
WHERE _partition_id = {partition:String} AND {time:Identifier} >= {cut_off:DateTime64(3, 'UTC')}
SETTINGS insert_deduplicate = 0;
