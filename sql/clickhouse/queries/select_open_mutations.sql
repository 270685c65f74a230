-- Rewrites of this database that have not ended, with the parts that are left, whether one is worked on just now, and whether
-- the server has failed at it and tries again for ever.
SELECT m.table AS table, m.mutation_id AS mutation_id, m.parts_to_do AS parts, at_work.table != '' AS is_at_work,
    m.latest_fail_reason != '' AS has_failed
FROM system.mutations AS m
LEFT JOIN
(
    SELECT DISTINCT table
    FROM system.merges
    WHERE database = currentDatabase() AND is_mutation
) AS at_work ON at_work.table = m.table
WHERE m.database = currentDatabase() AND NOT m.is_done
ORDER BY m.create_time, m.mutation_id;
