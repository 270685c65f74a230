-- A statement trigger on each table by itself: TRUNCATE of a partition slips past its parent's triggers. ALWAYS, because
-- an ordinary trigger does not fire while session_replication_role is `replica`.
CREATE OR REPLACE FUNCTION audit.make_append_only(guarded regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
        'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', guarded);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', guarded);
END
$$;
