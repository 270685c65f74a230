-- Takes an erased person out of the security events that were recorded, or occurred, by a moment; how many they were. The
-- events stay, without the person and without the pseudonym of their address.
CREATE OR REPLACE FUNCTION security.unlink(of_org text, persons text[], moment timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed bigint;
BEGIN
    IF of_org IS NULL OR moment IS NULL OR persons IS NULL OR '' = ANY (persons) THEN
        RAISE EXCEPTION 'security.unlink takes a tenant, pseudonyms and a moment' USING ERRCODE = 'TL003';
    END IF;
    UPDATE security.security_events e
    SET actor_hash = '', key_epoch = 0, address_hash = NULL, address_key_epoch = NULL
    WHERE e.org_id = of_org AND e.actor_hash = ANY (persons) AND least(e.recorded_at, e.occurred_at) <= moment;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
