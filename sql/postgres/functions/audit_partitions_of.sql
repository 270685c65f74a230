-- The partitions of the trail or of the security events, oldest first, each with the time of rows that it may hold:
-- months of ours, or TimescaleDB's chunks.
CREATE OR REPLACE FUNCTION audit.partitions_of(relation regclass)
RETURNS TABLE (name text, begins timestamptz, ends timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF audit.is_hypertable(relation) THEN
        RETURN QUERY EXECUTE
            'SELECT c.chunk_name::text, c.range_start, c.range_end FROM timescaledb_information.chunks c '
            'WHERE format(''%I.%I'', c.hypertable_schema, c.hypertable_name)::regclass = $1 ORDER BY c.range_start'
            USING relation;
    ELSE
        RETURN QUERY
            SELECT c.relname::text, bounds.of[1]::timestamptz, bounds.of[2]::timestamptz
            FROM pg_inherits i
            JOIN pg_class c ON c.oid = i.inhrelid,
                regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') AS bounds(of)
            WHERE i.inhparent = relation
            ORDER BY 2;
    END IF;
END
$$;
