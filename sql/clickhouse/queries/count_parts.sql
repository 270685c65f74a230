-- The most parts that a partition of any table has: a server that cannot keep up with merging has many.
SELECT max(parts)
FROM
(
    SELECT count() AS parts
    FROM system.parts
    WHERE database = currentDatabase() AND active
    GROUP BY table, partition_id
);
