-- Every column at rest in this database, from the catalogue, which everybody may read: information_schema shows a role only
-- what it has rights on. Partitions have their parent's columns, and nothing holds an extension's own tables.
SELECT n.nspname || '.' || c.relname, a.attname::text, format_type(a.atttypid, a.atttypmod)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition
    AND n.nspname NOT IN ('information_schema', '_timescaledb_internal') AND n.nspname NOT LIKE 'pg\_%%'
    AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
ORDER BY 1, a.attnum
