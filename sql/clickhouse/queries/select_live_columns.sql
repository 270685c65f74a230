-- Every column at rest in this database. A view holds nothing itself; what a materialized view fills is a table, and here.
-- The tables in which a day of a rollup is prepared have the rollup's columns, and live for seconds.
SELECT c.table AS table, c.name AS name, c.type AS type
FROM system.columns AS c
INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
WHERE c.database = currentDatabase()
    AND t.engine NOT IN ('View', 'MaterializedView', 'WindowView', 'LiveView')
    AND NOT startsWith(c.table, 'staged_')
ORDER BY c.table, c.position;
