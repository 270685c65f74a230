-- Removes the oldest runs once they have expired themselves, by the platform's clock and the policy in force, and by
-- nobody's argument. The chain then begins with the first run that is left, and the head says what that follows on.
CREATE OR REPLACE FUNCTION privacy.expire_retention_runs() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '10s'
SET timezone = 'UTC'
AS $$
DECLARE
    kept interval;
    upto bigint;
    its_hash text;
    removed bigint;
BEGIN
    SELECT format('%s %s', p.amount, p.unit)::interval INTO kept FROM audit.policy p
        WHERE p.table_name = 'privacy.retention_runs' ORDER BY p.policy_id DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no retention is in force for privacy.retention_runs: run `telemetry schema apply`'
            USING ERRCODE = 'TL004';
    END IF;
    PERFORM FROM privacy.retention_head FOR UPDATE;
    -- Up to the first one that has not expired: a chain has no holes.
    SELECT coalesce(min(r.number) FILTER (WHERE r.ended_at >= ops.now() - kept), max(r.number) + 1) - 1
        INTO upto FROM privacy.retention_runs r;
    SELECT r.row_hash INTO its_hash FROM privacy.retention_runs r WHERE r.number = upto;
    IF its_hash IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM privacy.retention_runs r WHERE r.number <= upto;
    GET DIAGNOSTICS removed = ROW_COUNT;
    UPDATE privacy.retention_head SET first_number = upto + 1, first_prev_hash = its_hash;
    RETURN removed;
END
$$;
