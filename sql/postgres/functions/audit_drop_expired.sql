-- Drops one partition of the trail or of the security events that has outlived its retention. For the two functions
-- `drop_partition` only: no role may execute it by itself. Whether it has, is judged here and not by the caller.
CREATE OR REPLACE FUNCTION audit.drop_expired(relation regclass, partition_name text, bound timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    extension text;
    begins timestamptz;
BEGIN
    PERFORM audit.refuse_unexpired(relation, partition_name, bound);
    IF audit.is_hypertable(relation) THEN
        -- By the bounds of the one chunk: both are exclusive of what lies beside it.
        SELECT n.nspname INTO STRICT extension
            FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb';
        SELECT p.begins INTO STRICT begins FROM audit.partitions_of(relation) p WHERE p.name = partition_name;
        EXECUTE format('SELECT %I.drop_chunks($1, older_than => $2, newer_than => $3)', extension)
            USING relation, bound, begins;
    ELSE
        EXECUTE format('DROP TABLE %I.%I', split_part(relation::text, '.', 1), partition_name);
    END IF;
END
$$;
