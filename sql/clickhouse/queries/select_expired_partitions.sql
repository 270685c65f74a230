-- Partitions that hold a row from before the cut-off, those that end first at the top. What they hold is read from their
-- rows, never from their names: only a partition whose newest row is expired is dropped whole.
SELECT
    _partition_id AS partition,
    count() AS rows,
    countIf({time:Identifier} < {cut_off:DateTime64(3, 'UTC')}) AS expired,
    max({time:Identifier}) AS newest
FROM {table:Identifier}
WHERE _partition_id IN (
    SELECT DISTINCT _partition_id FROM {table:Identifier} WHERE {time:Identifier} < {cut_off:DateTime64(3, 'UTC')}
)
GROUP BY partition
ORDER BY newest, partition;
