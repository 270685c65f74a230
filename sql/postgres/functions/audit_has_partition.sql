-- Whether there is a place for rows of a moment in one of the two tables that are partitioned by month. TimescaleDB makes
-- its chunks when rows come.
CREATE OR REPLACE FUNCTION audit.has_partition(relation regclass, moment timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN audit.is_hypertable(relation)
        OR to_regclass(relation::text || '_' || to_char(moment AT TIME ZONE 'UTC', 'YYYY_MM')) IS NOT NULL;
END
$$;
