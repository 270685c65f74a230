-- Puts all surviving keys under a new key-encryption key and retires the old one. `rewrapped` is an array of objects with
-- domain, epoch, wrapped and nonce (hex); it must hold every key whose bytes exist, but for the `doomed` ones (domain and
-- epoch) and those whose destruction has begun before: these stay as they are, to go with the old KEK.
--
-- The database looks at its own clock, whatever the caller's says: a doomed epoch has been closed so long that no session
-- and no late event uses it any more, and its successor is in use.
CREATE OR REPLACE FUNCTION privacy.rewrap_keys(
    rewrapped jsonb, doomed jsonb, kek text, kek_told_by bytea, moment timestamptz
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    refused text;
    surviving integer;
    changed integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('privacy.key_epochs'));
    SELECT string_agg(format('%s:%s', d.domain, d.epoch), ', ') INTO refused
    FROM jsonb_to_recordset(doomed) AS d (domain text, epoch integer)
    WHERE NOT EXISTS (
        SELECT FROM privacy.key_epochs e
        JOIN privacy.key_epochs successor ON successor.domain = e.domain AND successor.epoch > e.epoch
        WHERE e.domain = d.domain AND e.epoch = d.epoch AND e.wrapped IS NOT NULL AND e.destruction_begun_at IS NULL
            AND e.active_until < clock_timestamp() - CASE e.domain
                WHEN 'address' THEN interval '90 days'
                WHEN 'audit_actor' THEN interval '6 years'
                -- Sessions that are pinned to it for 48 hours, and the seven days in which their events may come.
                ELSE interval '9 days'
            END
            AND successor.active_from <= clock_timestamp() AND successor.wrapped IS NOT NULL
            AND successor.destruction_begun_at IS NULL
            AND NOT EXISTS (
                SELECT FROM jsonb_to_recordset(doomed) AS other (domain text, epoch integer)
                WHERE other.domain = successor.domain AND other.epoch = successor.epoch
            )
    );
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION 'these epochs may not be destroyed (yet): %', refused USING ERRCODE = 'TL005';
    END IF;
    UPDATE privacy.keks SET retired_at = moment WHERE retired_at IS NULL AND kek_id <> kek;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the key-encryption key % is in use already: a new one is needed', kek USING ERRCODE = 'TL005';
    END IF;
    PERFORM privacy.use_kek(kek, kek_told_by, moment);

    UPDATE privacy.key_epochs e SET destruction_begun_at = moment
    FROM jsonb_to_recordset(doomed) AS d (domain text, epoch integer) WHERE e.domain = d.domain AND e.epoch = d.epoch;
    UPDATE privacy.key_epochs e
    SET wrapped = decode(r.wrapped, 'hex'), nonce = decode(r.nonce, 'hex'), kek_id = kek, kek_ids = e.kek_ids || kek
    FROM jsonb_to_recordset(rewrapped) AS r (domain text, epoch integer, wrapped text, nonce text)
    WHERE e.domain = r.domain AND e.epoch = r.epoch AND e.wrapped IS NOT NULL AND e.destruction_begun_at IS NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    SELECT count(*) INTO surviving FROM privacy.key_epochs e
    WHERE e.wrapped IS NOT NULL AND e.destruction_begun_at IS NULL;
    -- One that was forgotten would be lost with the old KEK.
    IF changed <> surviving OR changed <> jsonb_array_length(rewrapped) THEN
        RAISE EXCEPTION 'all % surviving keys must be wrapped anew, and no others: % were', surviving, changed
            USING ERRCODE = 'TL005';
    END IF;
    RETURN changed;
END
$$;
