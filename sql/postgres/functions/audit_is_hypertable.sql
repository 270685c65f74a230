-- Whether a table is kept by TimescaleDB. Its catalogue is asked by name, since most servers do not have it.
CREATE OR REPLACE FUNCTION audit.is_hypertable(relation regclass) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found boolean;
BEGIN
    IF to_regclass('timescaledb_information.hypertables') IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE 'SELECT EXISTS (SELECT FROM timescaledb_information.hypertables h '
        'WHERE format(''%I.%I'', h.hypertable_schema, h.hypertable_name)::regclass = $1)' INTO found USING relation;
    RETURN found;
END
$$;
