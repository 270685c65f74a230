-- Notes which numbers came, in the transaction that ends the batch they came with: `given` is a list of
-- {origin, place, producer, seen}, with `seen` as a multirange. Opens a gap for numbers that were passed over, and takes
-- from open ones what came late. A number that comes again changes nothing. Answers how many gaps it opened.
CREATE OR REPLACE FUNCTION audit.intake_note(given jsonb, moment timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
    mark record;
    fresh int8multirange;
    top bigint;
    made integer;
    opened integer := 0;
BEGIN
    FOR one IN
        SELECT * FROM jsonb_to_recordset(given) AS g(origin text, place text, producer text, seen int8multirange)
        ORDER BY g.origin, g.place, g.producer
    LOOP
        INSERT INTO audit.intake_marks (origin, place, producer, high_water, seen, updated_at)
        VALUES (one.origin, one.place, one.producer, 0, '{}', moment)
        ON CONFLICT (origin, place, producer) DO NOTHING;
        SELECT * INTO STRICT mark FROM audit.intake_marks m
        WHERE m.origin = one.origin AND m.place = one.place AND m.producer = one.producer FOR UPDATE;
        fresh := one.seen - mark.seen;
        CONTINUE WHEN isempty(fresh);
        UPDATE audit.intake_gaps g
        SET missing = g.missing - fresh, closed_at = CASE WHEN isempty(g.missing - fresh) THEN moment END
        WHERE g.origin = one.origin AND g.place = one.place AND g.producer = one.producer
            AND g.closed_at IS NULL AND g.missing && fresh;
        top := greatest(upper(fresh) - 1, mark.high_water);
        INSERT INTO audit.intake_gaps (origin, place, producer, first_missing, last_missing, missing, noticed_at)
        SELECT one.origin, one.place, one.producer, lower(hole), upper(hole) - 1, int8multirange(hole), moment
        FROM unnest(int8multirange(int8range(mark.high_water + 1, top + 1)) - fresh) AS hole;
        GET DIAGNOSTICS made = ROW_COUNT;
        opened := opened + made;
        UPDATE audit.intake_marks m SET seen = m.seen + fresh, high_water = top, updated_at = moment
        WHERE m.origin = one.origin AND m.place = one.place AND m.producer = one.producer;
    END LOOP;
    RETURN opened;
END
$$;
