-- A real database stays real for every role, its owner included: on a demo the clock can be moved, and with it what
-- retention deletes.
CREATE OR REPLACE FUNCTION ops.refuse_another_kind() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.kind = OLD.kind AND NEW.made_at = OLD.made_at THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'what a database is was decided when it was made: % of ops.installation is refused for every role',
        TG_OP USING ERRCODE = 'TL002';
END
$$;
