-- Moves the clock of a demo to a moment that lies ahead of the real one, or back to the real one (NULL); answers how far
-- ahead it is now.
CREATE OR REPLACE FUNCTION ops.travel(moment timestamptz) RETURNS interval
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    here ops.installation;
    began timestamptz;
BEGIN
    SELECT * INTO here FROM ops.installation FOR UPDATE;
    IF here.kind IS DISTINCT FROM 'demo' THEN
        RAISE EXCEPTION 'this database was not made as a demo: its clock cannot be moved, by anybody' USING ERRCODE = 'TL006';
    END IF;
    began := clock_timestamp();
    IF moment <= began THEN
        RAISE EXCEPTION 'the clock travels forward only: name a moment after now, or go back to the real one'
            USING ERRCODE = 'TL006';
    END IF;
    UPDATE ops.installation SET travelled_to = moment, travel_began = CASE WHEN moment IS NOT NULL THEN began END;
    RETURN coalesce(moment - began, interval '0');
END
$$;
