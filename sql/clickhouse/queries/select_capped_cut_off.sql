-- The time of the first row beyond so many expired ones of a partition: what is before it may be removed at once. After its
-- oldest row in any case: many rows of one moment go together, or none of them ever would.
SELECT greatest(
    {time:Identifier},
    (SELECT min({time:Identifier}) FROM {table:Identifier} WHERE _partition_id = {partition:String})
        + toIntervalMillisecond(1)
)
FROM {table:Identifier}
WHERE _partition_id = {partition:String} AND {time:Identifier} < {cut_off:DateTime64(3, 'UTC')}
ORDER BY {time:Identifier}
LIMIT 1 OFFSET {most:UInt64};
