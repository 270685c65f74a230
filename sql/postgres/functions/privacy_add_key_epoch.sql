-- Adds a wrapped key: the first of its domain, or the successor of the open one, which ends where the new one begins, so
-- that no moment is without an active epoch or has two. False when the epoch is there already: another process was faster.
CREATE OR REPLACE FUNCTION privacy.add_key_epoch(
    of_domain text, number integer, bytes bytea, wrapped_with bytea, kek text, kek_told_by bytea, begins timestamptz,
    moment timestamptz
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    newest integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('privacy.key_epochs'));
    SELECT max(e.epoch) INTO newest FROM privacy.key_epochs e WHERE e.domain = of_domain;
    IF number <= newest THEN
        RETURN false;
    END IF;
    IF number <> coalesce(newest, 0) + 1 THEN
        RAISE EXCEPTION 'epochs are numbered without gaps: the next of % is %', of_domain, coalesce(newest, 0) + 1
            USING ERRCODE = 'TL005';
    END IF;
    PERFORM privacy.use_kek(kek, kek_told_by, moment);
    IF newest IS NOT NULL THEN
        IF of_domain NOT IN ('actor', 'audit_actor', 'address') THEN
            RAISE EXCEPTION 'the domain % has one key for ever', of_domain USING ERRCODE = 'TL005';
        END IF;
        -- Lists that processes work with may be ten minutes old.
        IF begins < moment + interval '10 minutes' THEN
            RAISE EXCEPTION 'an epoch is added at least ten minutes before it is active' USING ERRCODE = 'TL005';
        END IF;
        UPDATE privacy.key_epochs e SET active_until = begins
        WHERE e.domain = of_domain AND e.epoch = newest AND e.active_until IS NULL AND e.active_from < begins;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'epoch % of % is not open, or begins later than its successor', newest, of_domain
                USING ERRCODE = 'TL005';
        END IF;
    END IF;
    INSERT INTO privacy.key_epochs (domain, epoch, wrapped, nonce, kek_id, active_from, created_at, kek_ids)
    VALUES (of_domain, number, bytes, wrapped_with, kek, begins, moment, ARRAY[kek]);
    RETURN true;
END
$$;
