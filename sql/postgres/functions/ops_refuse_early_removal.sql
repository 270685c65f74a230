-- Lets the role of retention remove what has expired, and nothing else: the row's own time against the policy in force and
-- the clock of the platform, and no legal hold on whom it names. Other roles remove for other reasons (an erasure, a letter
-- that was replayed), by grants of their own.
CREATE OR REPLACE FUNCTION ops.refuse_early_removal() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    policy record;
    removed jsonb := to_jsonb(OLD);
BEGIN
    IF current_user <> 'telemetry_retention' THEN
        RETURN OLD;
    END IF;
    SELECT p.amount, p.unit, p.counted_from INTO policy FROM audit.policy p
        WHERE p.table_name = TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME ORDER BY p.policy_id DESC LIMIT 1;
    IF NOT FOUND OR (removed ->> policy.counted_from) IS NULL
        OR NOT (removed ->> policy.counted_from)::timestamptz
            < ops.now() - format('%s %s', policy.amount, policy.unit)::interval
    THEN
        RAISE EXCEPTION 'a row of %.% is not expired: retention removes no other', TG_TABLE_SCHEMA, TG_TABLE_NAME
            USING ERRCODE = 'TL004';
    END IF;
    IF TG_TABLE_NAME <> 'legal_holds' AND EXISTS (
        SELECT FROM privacy.legal_holds h
        WHERE h.released_at IS NULL AND h.org_id = removed ->> 'org_id' AND (
            h.subject_hash = removed ->> 'subject_hash'
            OR EXISTS (
                SELECT FROM privacy.hold_actors a
                WHERE a.hold_id = h.hold_id AND a.actor_hash = removed ->> 'actor_hash'
            )
        )
    ) THEN
        RAISE EXCEPTION 'a row of %.% is kept: a legal hold is in force', TG_TABLE_SCHEMA, TG_TABLE_NAME
            USING ERRCODE = 'TL005';
    END IF;
    RETURN OLD;
END
$$;
