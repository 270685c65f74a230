-- Persons by the level that they decided on, down to fives; a level of fewer than five is left out. There is no total, so
-- that nothing follows for a level that is missing.
CREATE OR REPLACE VIEW standing.consent AS
SELECT s.level, (count(*) / 5 * 5)::bigint AS persons
FROM privacy.subjects AS s
WHERE s.level IS NOT NULL
GROUP BY s.level
HAVING count(*) >= 5;

COMMENT ON VIEW standing.consent IS 'How many persons decided on each level of consent; no group of fewer than five.';
