-- Every table that holds something, the server's own catalogue with its statistics included, with its columns in order.
-- The last column: whether this role may read it. A partition is read through its parent; views that show what others run are read, since queries hold values.
SELECT n.nspname::text, c.relname::text, array_agg(a.attname::text ORDER BY a.attnum),
    has_table_privilege(c.oid, 'SELECT')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE (
        (c.relkind IN ('r', 'p', 'm', 'f', 'S') AND NOT c.relispartition)
        OR c.oid IN ('pg_catalog.pg_stat_activity'::regclass, 'pg_catalog.pg_prepared_xacts'::regclass)
    )
    AND n.nspname NOT LIKE 'pg\_toast%%' AND n.nspname NOT LIKE 'pg\_temp%%'
GROUP BY c.oid, n.nspname, c.relname
ORDER BY 1, 2
