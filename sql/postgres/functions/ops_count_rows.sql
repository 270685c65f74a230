-- How many rows a table has, with the rights of whoever asks.
CREATE OR REPLACE FUNCTION ops.count_rows(relation text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rows bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %s', relation::regclass) INTO rows;
    RETURN rows;
END
$$;
