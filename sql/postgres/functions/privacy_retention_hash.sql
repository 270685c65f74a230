-- The hash of a run: SHA-256 over the hash before it and each column below as its length in bytes, a colon and its text; `-`
-- for NULL. Times are microseconds since 1970 UTC. `processing/retention_chain.py` says the same, and a test compares.
CREATE OR REPLACE FUNCTION privacy.retention_hash(run jsonb) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    form text := '';
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY[
        run ->> 'number', run ->> 'run_id', run ->> 'table_name', run ->> 'store', run ->> 'policy',
        (extract(epoch FROM (run ->> 'began_at')::timestamptz) * 1000000)::bigint::text,
        (extract(epoch FROM (run ->> 'ended_at')::timestamptz) * 1000000)::bigint::text,
        (extract(epoch FROM (run ->> 'cut_off')::timestamptz) * 1000000)::bigint::text,
        run ->> 'dry_run', run ->> 'rows_before', run ->> 'rows_after', run ->> 'expired_before',
        run ->> 'expired_after', run ->> 'partitions_dropped', run ->> 'rows_dropped', run ->> 'rows_held',
        (extract(epoch FROM (run ->> 'oldest_remaining')::timestamptz) * 1000000)::bigint::text, run ->> 'status'
    ] LOOP
        form := form || coalesce(octet_length(part) || ':' || part, '-');
    END LOOP;
    RETURN encode(sha256(convert_to((run ->> 'prev_hash') || form, 'UTF8')), 'hex');
END
$$;
