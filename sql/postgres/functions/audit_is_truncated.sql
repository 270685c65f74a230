-- Whether an address is cut to /24 or /48. NULL (no address) is; what is no address at all is refused by the cast.
CREATE OR REPLACE FUNCTION audit.is_truncated(address text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT host(address::inet) = host(network(set_masklen(
        address::inet, CASE family(address::inet) WHEN 4 THEN 24 ELSE 48 END)))
$$;
