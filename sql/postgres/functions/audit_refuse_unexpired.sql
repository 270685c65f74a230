-- Raises unless a partition of this table that ends at a moment has outlived its retention: by the policy in force and the
-- clock of the platform, by the calendar, in UTC. The sum `bound + retention` is never looked at: where months end
-- differently it is another day.
CREATE OR REPLACE FUNCTION audit.refuse_unexpired(relation regclass, partition_name text, bound timestamptz) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    policy record;
BEGIN
    SELECT p.amount, p.unit INTO policy FROM audit.policy p
        WHERE p.table_name = relation::text ORDER BY p.policy_id DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no retention is in force for %: run `telemetry schema apply`', relation USING ERRCODE = 'TL004';
    END IF;
    IF NOT bound < ops.now() - format('%s %s', policy.amount, policy.unit)::interval THEN
        RAISE EXCEPTION '% is not expired: it is kept for % %(s) after its end', partition_name, policy.amount, policy.unit
            USING ERRCODE = 'TL004';
    END IF;
END
$$;
