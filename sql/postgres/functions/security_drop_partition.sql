-- The only way in which security events leave their table: a whole partition whose retention has passed, with its rows of
-- the index. Its name is all that a caller says. Refused while any legal hold is in force: months cannot be taken apart.
CREATE OR REPLACE FUNCTION security.drop_partition(partition_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
SET timezone = 'UTC'
AS $$
DECLARE
    part record;
    held bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('security.drop_partition'));
    LOCK TABLE privacy.legal_holds IN SHARE MODE;
    SELECT p.name, p.begins, p.ends INTO part
        FROM audit.partitions_of('security.security_events') p WHERE p.name = partition_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is no partition of the security events', coalesce(partition_name, 'NULL')
            USING ERRCODE = 'TL004';
    END IF;
    IF EXISTS (SELECT FROM privacy.legal_holds h WHERE h.released_at IS NULL) THEN
        RAISE EXCEPTION '% is kept: a legal hold is in force', partition_name USING ERRCODE = 'TL005';
    END IF;
    SELECT count(*) INTO held FROM security.security_events e
        WHERE e.recorded_at >= part.begins AND e.recorded_at < part.ends;
    DELETE FROM security.event_index i WHERE i.recorded_at >= part.begins AND i.recorded_at < part.ends;
    PERFORM audit.drop_expired('security.security_events', part.name, part.ends);
    RETURN held;
END
$$;
