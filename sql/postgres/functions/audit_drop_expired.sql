-- Drops one partition of the trail or of the security events that has outlived its retention. For the two functions
-- `drop_partition` only: no role may execute it by itself. Reads the clock, the policy and the holds itself.
--
-- A partition is expired when its upper bound lies before now minus the retention, by the calendar, in UTC. The sum
-- `bound + retention` is never looked at: where months end differently it is another day.
CREATE OR REPLACE FUNCTION audit.drop_expired(relation regclass, partition_name text, bound timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    policy record;
    extension text;
    begins timestamptz;
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
    IF audit.is_hypertable(relation) THEN
        -- By the bounds of the one chunk: both are exclusive of what lies beside it.
        SELECT n.nspname INTO STRICT extension
            FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb';
        SELECT p.begins INTO STRICT begins FROM audit.partitions_of(relation) p WHERE p.name = partition_name;
        EXECUTE format('SELECT %I.drop_chunks($1, older_than => $2, newer_than => $3)', extension)
            USING relation, bound, begins;
    ELSE
        EXECUTE format('DROP TABLE %I.%I', split_part(relation::text, '.', 1), partition_name);
    END IF;
END
$$;
