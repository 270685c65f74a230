-- The entries of a batch as rows, in their order. Keys that are no column are not looked at; a missing key is NULL.
-- `details` is the text of one JSON object. Dropped first: what a function returns cannot be replaced.
DROP FUNCTION IF EXISTS audit.read_entries(jsonb);
CREATE OR REPLACE FUNCTION audit.read_entries(entries jsonb)
RETURNS TABLE (
    event_id uuid, occurred_at bigint, actor_hash text, key_epoch integer, actor_type text, org_id text, action text,
    resource_type text, resource_id_hash text, method text, path text, status_code integer, outcome text,
    ip_truncated text, country_code text, region text, device_type text, details text, place bigint
)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM ROWS FROM (
        jsonb_to_recordset(entries) AS (
            event_id uuid, occurred_at bigint, actor_hash text, key_epoch integer, actor_type text, org_id text,
            action text, resource_type text, resource_id_hash text, method text, path text, status_code integer,
            outcome text, ip_truncated text, country_code text, region text, device_type text, details text
        )
    ) WITH ORDINALITY
$$;
