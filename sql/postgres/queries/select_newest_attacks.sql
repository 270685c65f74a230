-- What detection found lately, by rule: the worst severity, episodes, and when it was last seen. `severity` is a text in
-- the table: its place in the ladder is what compares.
SELECT
    rule_id,
    (array_agg(severity ORDER BY array_position(%(ladder)s::text[], severity) DESC))[1] AS worst,
    count(DISTINCT details ->> 'episode_id') AS episodes,
    max(occurred_at) AS last_at
FROM security.security_events
WHERE type = %(type)s AND occurred_at > ops.now() - %(within)s::interval
GROUP BY rule_id
ORDER BY rule_id
