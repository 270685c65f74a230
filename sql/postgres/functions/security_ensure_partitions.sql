-- Makes the partition of the current month and of so many months ahead; answers how many it made. A month's table is made
-- aside and then attached: that blocks neither readers nor writers.
CREATE OR REPLACE FUNCTION security.ensure_partitions(months integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    begins timestamptz := date_trunc('month', clock_timestamp());
    month_name text;
    made integer := 0;
BEGIN
    IF months IS NULL OR months NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION 'security.ensure_partitions takes 0 to 24 months' USING ERRCODE = 'TL003';
    END IF;
    IF audit.is_hypertable('security.security_events') THEN
        RETURN 0;
    END IF;
    -- Two at once would both make the month.
    PERFORM pg_advisory_xact_lock(hashtext('security.ensure_partitions'));
    FOR ahead IN 0..months LOOP
        month_name := 'security_events_' || to_char(begins, 'YYYY_MM');
        IF to_regclass(format('security.%I', month_name)) IS NULL THEN
            EXECUTE format('CREATE TABLE security.%I (LIKE security.security_events INCLUDING ALL)', month_name);
            PERFORM audit.make_append_only(format('security.%I', month_name)::regclass);
            EXECUTE format(
                'ALTER TABLE security.security_events ATTACH PARTITION security.%I FOR VALUES FROM (%L) TO (%L)',
                month_name, begins, begins + interval '1 month');
            made := made + 1;
        END IF;
        begins := begins + interval '1 month';
    END LOOP;
    RETURN made;
END
$$;
