-- The entries of a batch as rows, in their order. Keys that are no column are not looked at; a missing key is NULL.
-- `details` is the text of one JSON object. Dropped first: what a function returns cannot be replaced.
DROP FUNCTION IF EXISTS security.read_entries(jsonb);
CREATE OR REPLACE FUNCTION security.read_entries(entries jsonb)
RETURNS TABLE (
    event_id uuid, occurred_at bigint, org_id text, type text, severity text, rule_id text, method text, path text,
    details text, actor_hash text, key_epoch integer, ip_truncated text, address_hash text, address_key_epoch integer,
    country_code text, user_agent_family text, place bigint
)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM ROWS FROM (
        jsonb_to_recordset(entries) AS (
            event_id uuid, occurred_at bigint, org_id text, type text, severity text, rule_id text, method text,
            path text, details text, actor_hash text, key_epoch integer, ip_truncated text, address_hash text,
            address_key_epoch integer, country_code text, user_agent_family text
        )
    ) WITH ORDINALITY
$$;
