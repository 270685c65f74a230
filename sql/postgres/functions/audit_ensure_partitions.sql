-- Makes the partition of the current month and of so many months ahead; answers how many it made.
-- A month's table is made aside and then attached: that blocks neither readers nor writers of the trail, where
-- `CREATE TABLE ... PARTITION OF` would lock them out.
CREATE OR REPLACE FUNCTION audit.ensure_partitions(months integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    begins timestamptz;
    month_name text;
    made integer := 0;
BEGIN
    IF months IS NULL OR months NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION 'audit.ensure_partitions takes 0 to 24 months' USING ERRCODE = 'TL003';
    END IF;
    IF audit.is_hypertable('audit.audit_logs') THEN
        RETURN 0;
    END IF;
    -- Two at once would both make the month.
    PERFORM pg_advisory_xact_lock(hashtext('audit.ensure_partitions'));
    -- The trail's clock never goes back: after the machine's did, the month that is written to is the head's.
    SELECT date_trunc('month', greatest(recorded_at, clock_timestamp())) INTO STRICT begins FROM audit.head;
    FOR ahead IN 0..months LOOP
        month_name := 'audit_logs_' || to_char(begins, 'YYYY_MM');
        IF to_regclass(format('audit.%I', month_name)) IS NULL THEN
            EXECUTE format('CREATE TABLE audit.%I (LIKE audit.audit_logs INCLUDING ALL)', month_name);
            PERFORM audit.make_append_only(format('audit.%I', month_name)::regclass);
            EXECUTE format(
                'ALTER TABLE audit.audit_logs ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%L)',
                month_name, begins, begins + interval '1 month');
            made := made + 1;
        END IF;
        begins := begins + interval '1 month';
    END LOOP;
    RETURN made;
END
$$;
