-- Records that somebody destroyed a retired key-encryption key wherever it was kept. Refused while a key's bytes lie under
-- it: that key would be lost, or its destruction has stopped half-way.
CREATE OR REPLACE FUNCTION privacy.end_kek(kek text, stated_by text, moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('privacy.key_epochs'));
    IF EXISTS (SELECT FROM privacy.key_epochs e WHERE e.kek_id = kek AND e.wrapped IS NOT NULL) THEN
        RAISE EXCEPTION 'keys are still wrapped under %: wrap them anew, and remove the bytes of those that shall go', kek
            USING ERRCODE = 'TL005';
    END IF;
    UPDATE privacy.keks k SET destroyed_at = moment, destroyed_by = stated_by
    WHERE k.kek_id = kek AND k.retired_at IS NOT NULL AND k.destroyed_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is no retired key-encryption key, or its end was stated before', kek USING ERRCODE = 'TL005';
    END IF;
END
$$;
