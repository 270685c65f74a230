-- The platform's clock: the real one, but on a demo that travelled. Whatever decides what is expired asks here.
-- Runs as its owner, so that every role has the same clock.
CREATE OR REPLACE FUNCTION ops.now() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ahead interval;
BEGIN
    -- Seconds, not days: an interval of days would be another one where the session's zone changes its clocks.
    SELECT make_interval(secs => extract(epoch FROM travelled_to - travel_began)) INTO ahead
    FROM ops.installation WHERE kind = 'demo';
    RETURN clock_timestamp() + coalesce(ahead, interval '0');
END
$$;
