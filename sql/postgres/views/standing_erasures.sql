-- Requests to be erased, by day and state: how many, and how long the slowest certificate took. Never whose, nor where.
CREATE OR REPLACE VIEW standing.erasures AS
SELECT
    date_trunc('day', e.requested_at, 'UTC') AS day, e.status, count(*) AS erasures, min(e.requested_at) AS oldest_at,
    max(extract(epoch FROM e.certified_at - e.requested_at))::double precision AS slowest_seconds
FROM privacy.erasures AS e
GROUP BY 1, 2;

COMMENT ON VIEW standing.erasures IS 'Erasures by the day of their request and their state, with how long certificates took.';
