-- What the check `audit_intake_is_whole` is red for, counted: numbers that did not come and that nobody has explained.
CREATE OR REPLACE VIEW standing.intake_gaps AS
SELECT
    g.origin, g.place, count(*) AS gaps,
    sum((SELECT sum(upper(hole) - lower(hole)) FROM unnest(g.missing) AS hole))::bigint AS missing,
    min(g.noticed_at) AS since
FROM audit.intake_gaps AS g
WHERE g.closed_at IS NULL AND g.explained_at IS NULL AND g.noticed_at < ops.now() - interval '1 minute'
GROUP BY g.origin, g.place;

COMMENT ON VIEW standing.intake_gaps IS 'Gaps in numbered audit and security entries that are open and unexplained.';
