-- The drain's way into the trail. Appends the entries of one batch (an array of objects whose keys are columns; occurred_at
-- in milliseconds since 1970 UTC) in the caller's transaction, so that rows, head and the caller's own record of the
-- batch commit together or not at all.
--
-- A batch that this stream has brought already is not counted anew: its first answer is given again.
CREATE OR REPLACE FUNCTION audit.append(
    entries jsonb, stream text, batch_id text, fencing bigint,
    OUT stored bigint, OUT duplicate bigint, OUT id_conflict bigint, OUT last_seq bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    before record;
    moment timestamptz;
BEGIN
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' OR stream IS NULL OR batch_id IS NULL OR fencing IS NULL THEN
        RAISE EXCEPTION 'audit.append takes an array of entries, a stream, a batch and a fencing number'
            USING ERRCODE = 'TL003';
    END IF;
    -- Before anything is looked at: whoever appends meanwhile waits here.
    PERFORM FROM audit.head FOR UPDATE;
    SELECT o.* INTO before FROM audit.stream_offsets o WHERE o.stream = append.stream;
    IF before.fencing > append.fencing THEN
        RAISE EXCEPTION 'another drain has appended to the audit trail since: this one must stop' USING ERRCODE = 'TL001';
    END IF;
    -- Shared lock: the lease cannot change hands before this transaction has ended.
    PERFORM FROM ingest.leases l
        WHERE l.name = 'drain' AND l.fencing = append.fencing AND l.expires_at > clock_timestamp() FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease of this drain has expired or was taken over: it must stop' USING ERRCODE = 'TL001';
    END IF;
    IF before.batch_id = append.batch_id THEN
        stored := before.stored; duplicate := before.duplicate;
        id_conflict := before.id_conflict; last_seq := before.seq;
        RETURN;
    END IF;

    SELECT a.stored, a.duplicate, a.id_conflict, a.last_seq, a.moment
        INTO stored, duplicate, id_conflict, last_seq, moment FROM audit.append_rows(entries) a;
    INSERT INTO audit.stream_offsets AS o
        (stream, batch_id, fencing, seq, stored, duplicate, id_conflict, appended_at)
    VALUES (append.stream, append.batch_id, append.fencing, last_seq, append.stored, append.duplicate,
        append.id_conflict, moment)
    ON CONFLICT (stream) DO UPDATE SET batch_id = excluded.batch_id, fencing = excluded.fencing, seq = excluded.seq,
        stored = excluded.stored, duplicate = excluded.duplicate, id_conflict = excluded.id_conflict,
        appended_at = excluded.appended_at;
END
$$;
