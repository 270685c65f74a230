-- The only way into privacy.retention_runs: one run of one table, linked to the run before. The number, both hashes and the
-- end are set here, whatever `given` says of them; the table's announcement goes in the same transaction, unless the run
-- was a dry one, which announces nothing.
CREATE OR REPLACE FUNCTION privacy.record_retention_run(given jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    head privacy.retention_head;
    run privacy.retention_runs;
BEGIN
    SELECT * INTO STRICT head FROM privacy.retention_head FOR UPDATE;
    run := jsonb_populate_record(NULL::privacy.retention_runs, given);
    run.number := head.last_number + 1;
    -- The clock of a demo may have gone back meanwhile: a run that it had left in the future is proved all the same.
    run.ended_at := greatest(ops.now(), run.began_at, run.cut_off);
    run.prev_hash := head.last_hash;
    run.row_hash := privacy.retention_hash(to_jsonb(run));
    INSERT INTO privacy.retention_runs SELECT run.*;
    UPDATE privacy.retention_head SET last_number = run.number, last_hash = run.row_hash;
    IF NOT run.dry_run THEN
        DELETE FROM privacy.retention_announced a WHERE a.table_name = run.table_name;
    END IF;
    RETURN run.number;
END
$$;
