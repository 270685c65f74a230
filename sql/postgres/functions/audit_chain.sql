-- A running hash over rows in their order, `audit.chain(prev, form) OVER (ORDER BY seq)`: each row's is the SHA-256 of the
-- hash before it (its 64 hex digits) and its own canonical form. `prev` is where the first of them goes on from.
CREATE OR REPLACE FUNCTION audit.chain_step(state text, prev text, form bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN encode(sha256(convert_to(coalesce(state, prev), 'UTF8') || form), 'hex');
END
$$;

CREATE OR REPLACE AGGREGATE audit.chain(text, bytea) (SFUNC = audit.chain_step, STYPE = text);
