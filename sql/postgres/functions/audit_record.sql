-- The platform's own way into the trail: one thing that it did itself (a key destroyed, an erasure certified, a report read),
-- appended in the transaction that does it, so that deed and record commit together or not at all. An event_id that is
-- there already is refused: nothing is done twice under one id.
CREATE OR REPLACE FUNCTION audit.record(entry jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    appended record;
BEGIN
    IF jsonb_typeof(entry) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'audit.record takes one entry, an object' USING ERRCODE = 'TL003';
    END IF;
    SELECT a.stored, a.last_seq INTO appended FROM audit.append_rows(jsonb_build_array(entry)) a;
    IF appended.stored <> 1 THEN
        RAISE EXCEPTION 'this entry is in the trail already: every action has an id of its own' USING ERRCODE = 'TL003';
    END IF;
    RETURN appended.last_seq;
END
$$;
