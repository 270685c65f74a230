-- Where TimescaleDB is there, a table that was just made and is partitioned by month becomes a hypertable by `recorded_at`;
-- what follows in its file (indexes, triggers, comments) is then said to that one. Chunks of TimescaleDB are 30 days, and
-- every promise about a month is one about a chunk. Answers whether it is a hypertable now.
CREATE OR REPLACE FUNCTION audit.use_hypertable(relation regclass) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    extension text;
    whole_name text := relation::text;
    own_name text := split_part(relation::text, '.', 2);
    is_used boolean;
BEGIN
    SELECT n.nspname INTO extension
        FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- The table is made anew: nothing may be in it.
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', whole_name) INTO is_used;
    IF is_used THEN
        RAISE EXCEPTION '% has rows: it stays as it is', whole_name USING ERRCODE = 'TL002';
    END IF;
    EXECUTE format('CREATE TABLE %s_plain (LIKE %s INCLUDING ALL)', whole_name, whole_name);
    EXECUTE format('DROP TABLE %s', whole_name);
    EXECUTE format('ALTER TABLE %s_plain RENAME TO %I', whole_name, own_name);
    EXECUTE format('SELECT %I.create_hypertable($1, $2, chunk_time_interval => interval ''30 days'')', extension)
        USING whole_name::regclass, 'recorded_at'::name;
    RETURN true;
END
$$;
