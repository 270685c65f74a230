-- Notes that keys are wrapped under a key-encryption key from now on. For the functions of keys only.
-- Refused are a name that meant another KEK before, a KEK that had another name before, and one that was retired: whoever
-- destroyed "the old one" must not find it in use again.
CREATE OR REPLACE FUNCTION privacy.use_kek(name text, told_by bytea, moment timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known record;
BEGIN
    SELECT k.* INTO known FROM privacy.keks k WHERE k.kek_id = name OR k.check_value = told_by
    ORDER BY k.kek_id = name DESC LIMIT 1;
    IF NOT FOUND THEN
        INSERT INTO privacy.keks (kek_id, check_value, first_used_at) VALUES (name, told_by, moment);
    ELSIF known.kek_id <> name THEN
        RAISE EXCEPTION 'this key-encryption key was used before, under the name %: make a new one', known.kek_id
            USING ERRCODE = 'TL005';
    ELSIF known.check_value <> told_by THEN
        RAISE EXCEPTION 'the name % belongs to another key-encryption key: give this one a name of its own', name
            USING ERRCODE = 'TL005';
    ELSIF known.retired_at IS NOT NULL THEN
        RAISE EXCEPTION 'the key-encryption key % was retired: set TELEMETRY_KEYS__KEK to the one in use', name
            USING ERRCODE = 'TL005';
    END IF;
END
$$;
