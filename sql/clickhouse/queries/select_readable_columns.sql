-- Every table of the server that holds something, with its columns in the order of `SELECT *`; views hold nothing themselves.
SELECT c.database AS database, c.table AS table, t.engine AS engine, groupArray(c.name) AS columns
FROM (SELECT database, table, name, position FROM system.columns WHERE default_kind NOT IN ('ALIAS', 'EPHEMERAL') ORDER BY position) AS c
INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
WHERE t.engine NOT IN ('View', 'MaterializedView', 'WindowView', 'LiveView')
    AND c.database NOT IN ('information_schema', 'INFORMATION_SCHEMA')
GROUP BY c.database, c.table, t.engine
ORDER BY c.database, c.table;
