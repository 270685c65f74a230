-- A hold keeps data back until it is released, and its row proves afterwards why: it may be released, once, and deleted
-- when its retention has passed after that: by the platform's clock and the policy in force, whoever deletes it.
CREATE OR REPLACE FUNCTION privacy.refuse_change_of_hold() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    kept interval;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.released_at IS NULL AND NEW.released_at IS NOT NULL
            AND (NEW.hold_id, NEW.org_id, NEW.subject_hash, NEW.placed_at, NEW.why)
                = (OLD.hold_id, OLD.org_id, OLD.subject_hash, OLD.placed_at, OLD.why)
        THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT format('%s %s', p.amount, p.unit)::interval INTO kept FROM audit.policy p
            WHERE p.table_name = 'privacy.legal_holds' ORDER BY p.policy_id DESC LIMIT 1;
        IF OLD.released_at < ops.now() - kept THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'a hold is placed, released once, and nothing else: % of privacy.legal_holds is refused for every role',
        TG_OP USING ERRCODE = 'TL002';
END
$$;
