-- The canonical stored form of a row of the trail, which its hash is made of: each column in the order below as its length
-- in bytes, a colon and its text; `-` for NULL. Times are microseconds since 1970 UTC, as they rest: a hash over anything
-- finer would call every row tampered with. The length makes it one-to-one: no two rows have one form.
-- `processing/audit_chain.py` says the same in Python and SQL, and a test compares all three.
CREATE OR REPLACE FUNCTION audit.canonical(
    seq bigint, event_id uuid, occurred_at timestamptz, recorded_at timestamptz, actor_hash text, key_epoch integer,
    actor_type text, org_id text, action text, resource_type text, resource_id_hash text, method text, path text,
    status_code integer, outcome text, ip_truncated text, country_code text, region text, device_type text,
    details_hash text
) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    happened text := (extract(epoch FROM occurred_at) * 1000000)::bigint;
    written text := (extract(epoch FROM recorded_at) * 1000000)::bigint;
BEGIN
    RETURN convert_to(concat(
        coalesce(octet_length(seq::text) || ':' || seq::text, '-'),
        coalesce(octet_length(event_id::text) || ':' || event_id::text, '-'),
        coalesce(octet_length(happened) || ':' || happened, '-'),
        coalesce(octet_length(written) || ':' || written, '-'),
        coalesce(octet_length(actor_hash) || ':' || actor_hash, '-'),
        coalesce(octet_length(key_epoch::text) || ':' || key_epoch::text, '-'),
        coalesce(octet_length(actor_type) || ':' || actor_type, '-'),
        coalesce(octet_length(org_id) || ':' || org_id, '-'),
        coalesce(octet_length(action) || ':' || action, '-'),
        coalesce(octet_length(resource_type) || ':' || resource_type, '-'),
        coalesce(octet_length(resource_id_hash) || ':' || resource_id_hash, '-'),
        coalesce(octet_length(method) || ':' || method, '-'),
        coalesce(octet_length(path) || ':' || path, '-'),
        coalesce(octet_length(status_code::text) || ':' || status_code::text, '-'),
        coalesce(octet_length(outcome) || ':' || outcome, '-'),
        coalesce(octet_length(ip_truncated) || ':' || ip_truncated, '-'),
        coalesce(octet_length(country_code) || ':' || country_code, '-'),
        coalesce(octet_length(region) || ':' || region, '-'),
        coalesce(octet_length(device_type) || ':' || device_type, '-'),
        coalesce(octet_length(details_hash) || ':' || details_hash, '-')
    ), 'UTF8');
END
$$;
