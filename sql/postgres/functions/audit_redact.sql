-- Blanks the details of one row of the trail, for what should never have been written there. The row, its hash and the
-- digest of the details stay, and an entry of its own (action `audit.redacted`, its details naming the seq) says who did it
-- and why, in the same transaction: a blanked body without such an entry is a tampering.
CREATE OR REPLACE FUNCTION audit.redact(target bigint, entry jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    place bigint;
BEGIN
    IF target IS NULL OR entry ->> 'action' IS DISTINCT FROM 'audit.redacted'
        OR ((entry ->> 'details')::jsonb ->> 'seq') IS DISTINCT FROM target::text
    THEN
        RAISE EXCEPTION 'audit.redact takes a seq and the entry `audit.redacted` whose details name it'
            USING ERRCODE = 'TL003';
    END IF;
    -- Before the entry, which has details of its own: nothing blanks itself. One redaction at a time.
    PERFORM FROM audit.head FOR UPDATE;
    PERFORM FROM audit.details d WHERE d.seq = target AND d.body IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the row % of the trail has no details that could be blanked', target USING ERRCODE = 'TL003';
    END IF;
    -- The details that it blanked would have no entry any more that says so, for good.
    PERFORM FROM audit.event_index i JOIN audit.audit_logs l ON l.recorded_at = i.recorded_at AND l.seq = i.seq
        WHERE i.seq = target AND l.action = 'audit.redacted';
    IF FOUND THEN
        RAISE EXCEPTION 'the row % says that another was blanked: it stays', target USING ERRCODE = 'TL003';
    END IF;
    place := audit.record(entry);
    UPDATE audit.details d SET body = NULL WHERE d.seq = target;
    RETURN place;
END
$$;
