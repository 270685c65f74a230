-- Legal holds in force: a number, since a reason or a tenant could tell of whom.
CREATE OR REPLACE VIEW standing.holds AS
SELECT count(*) AS in_force, min(l.placed_at) AS oldest_at
FROM privacy.legal_holds AS l
WHERE l.released_at IS NULL;

COMMENT ON VIEW standing.holds IS 'How many persons are under a legal hold, and since when the oldest is in force.';
