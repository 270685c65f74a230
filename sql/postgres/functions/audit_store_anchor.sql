-- Stores the signed statement of what an expired partition of the trail holds, before it is dropped. Only for a partition
-- that exists and has outlived its retention: an anchor stays for good, and one of anything else would make every
-- verification fail. One of the same partition that is there stays.
CREATE OR REPLACE FUNCTION audit.store_anchor(
    partition text, first_seq bigint, last_seq bigint, rows bigint, prev_hash text, last_hash text,
    anchored_at timestamptz, key_id text, signature bytea
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    part record;
BEGIN
    SELECT p.name, p.begins, p.ends INTO part
        FROM audit.partitions_of('audit.audit_logs') p WHERE p.name = store_anchor.partition;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is no partition of the audit trail', coalesce(store_anchor.partition, 'NULL')
            USING ERRCODE = 'TL004';
    END IF;
    PERFORM audit.refuse_unexpired('audit.audit_logs', part.name, part.ends);
    INSERT INTO audit.anchors (
        partition_name, begins, ends, first_seq, last_seq, rows, prev_hash, last_hash, anchored_at, key_id, signature
    ) VALUES (
        part.name, part.begins, part.ends, store_anchor.first_seq, store_anchor.last_seq, store_anchor.rows,
        store_anchor.prev_hash, store_anchor.last_hash, store_anchor.anchored_at, store_anchor.key_id,
        store_anchor.signature
    ) ON CONFLICT (partition_name) DO NOTHING;
END
$$;
