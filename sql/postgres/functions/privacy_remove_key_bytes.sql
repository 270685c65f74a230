-- Removes the bytes of the keys whose destruction has begun; which ones. Refused while one of them shares its
-- key-encryption key with a key that survives: that KEK could then never be destroyed.
CREATE OR REPLACE FUNCTION privacy.remove_key_bytes(moment timestamptz)
RETURNS TABLE (removed_domain text, removed_epoch integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('privacy.key_epochs'));
    IF EXISTS (
        SELECT FROM privacy.key_epochs doomed
        JOIN privacy.key_epochs survivor ON survivor.kek_id = doomed.kek_id AND survivor.destruction_begun_at IS NULL
        WHERE doomed.destruction_begun_at IS NOT NULL AND doomed.wrapped IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'keys that survive are wrapped under the same key-encryption key: they are wrapped anew first'
            USING ERRCODE = 'TL005';
    END IF;
    RETURN QUERY
    UPDATE privacy.key_epochs e SET wrapped = NULL, nonce = NULL, destroyed_at = moment
    WHERE e.destruction_begun_at IS NOT NULL AND e.wrapped IS NOT NULL
    RETURNING e.domain, e.epoch;
END
$$;
