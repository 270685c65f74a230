-- The only way in which rows leave the trail: a whole partition whose retention has passed, and what stands beside its rows.
-- Its name is all that a caller says. Refused while any legal hold is in force, and without a signed anchor that says
-- exactly which rows these were and how the chain went through them: verification walks over the anchor afterwards.
CREATE OR REPLACE FUNCTION audit.drop_partition(partition_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- It needs the trail for itself for a moment: it rather gives up than keeps writers waiting.
SET lock_timeout = '5s'
SET timezone = 'UTC'
AS $$
DECLARE
    part record;
    held record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit.drop_partition'));
    -- A hold that is just being placed comes first.
    LOCK TABLE privacy.legal_holds IN SHARE MODE;
    SELECT p.name, p.begins, p.ends INTO part FROM audit.partitions_of('audit.audit_logs') p WHERE p.name = partition_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is no partition of the audit trail', coalesce(partition_name, 'NULL') USING ERRCODE = 'TL004';
    END IF;
    IF EXISTS (SELECT FROM privacy.legal_holds h WHERE h.released_at IS NULL) THEN
        RAISE EXCEPTION '% is kept: a legal hold is in force', partition_name USING ERRCODE = 'TL005';
    END IF;
    SELECT count(*) AS rows, min(l.seq) AS first_seq, max(l.seq) AS last_seq INTO held
        FROM audit.audit_logs l WHERE l.recorded_at >= part.begins AND l.recorded_at < part.ends;
    IF held.rows > 0 THEN
        PERFORM FROM audit.anchors a
            JOIN audit.audit_logs f ON f.recorded_at >= part.begins AND f.recorded_at < part.ends AND f.seq = a.first_seq
            JOIN audit.audit_logs l ON l.recorded_at >= part.begins AND l.recorded_at < part.ends AND l.seq = a.last_seq
            WHERE a.partition_name = part.name AND a.first_seq = held.first_seq AND a.last_seq = held.last_seq
                AND a.rows = held.rows AND a.prev_hash = f.prev_hash AND a.last_hash = l.row_hash
                AND octet_length(a.signature) = 64;
        IF NOT FOUND THEN
            RAISE EXCEPTION '% has no signed anchor that says what it holds', partition_name USING ERRCODE = 'TL004';
        END IF;
        DELETE FROM audit.details d WHERE d.seq BETWEEN held.first_seq AND held.last_seq;
        DELETE FROM audit.event_index i WHERE i.seq BETWEEN held.first_seq AND held.last_seq;
    END IF;
    PERFORM audit.drop_expired('audit.audit_logs', part.name, part.ends);
    RETURN held.rows;
END
$$;
