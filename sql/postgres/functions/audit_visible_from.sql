-- From when on rows of the trail, or of the security events, are shown: from the beginning of the oldest partition that
-- retention may not drop yet, by the policy, the clock and the bounds that `audit.drop_expired` itself goes by, so that
-- nothing is seen that should be gone, whether or not it is. NULL: no policy is in force, and nothing is shown.
CREATE OR REPLACE FUNCTION audit.visible_from(relation regclass) RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    kept_since timestamptz;
BEGIN
    SELECT ops.now() - format('%s %s', p.amount, p.unit)::interval INTO kept_since
        FROM audit.policy p WHERE p.table_name = relation::text ORDER BY p.policy_id DESC LIMIT 1;
    RETURN coalesce((SELECT min(o.begins) FROM audit.partitions_of(relation) o WHERE o.ends >= kept_since), kept_since);
END
$$;
