-- How many security events that were recorded, or occurred, by a moment name one of these pseudonyms: for whoever erases,
-- and may not read the events.
CREATE OR REPLACE FUNCTION security.count_linked(of_org text, persons text[], moment timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM security.security_events e
        WHERE e.org_id = of_org AND e.actor_hash = ANY (persons) AND least(e.recorded_at, e.occurred_at) <= moment
    );
END
$$;
