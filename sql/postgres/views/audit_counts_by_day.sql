-- What analysts and dashboards may know of the trail: how often what was done, by day and tenant. Without pseudonyms,
-- resources and addresses; a group that fewer than five persons made is left out (within one epoch, since a person has
-- another pseudonym in the next), and so is the day that is not over. Groups in which no person acted stay.
CREATE OR REPLACE VIEW audit.counts_by_day AS
SELECT e.org_id, e.day, e.action, e.outcome, sum(e.entries)::bigint AS entries
FROM (
    SELECT
        l.org_id, (l.recorded_at AT TIME ZONE 'UTC')::date AS day, l.action, l.outcome, l.key_epoch,
        count(*) AS entries, count(DISTINCT nullif(l.actor_hash, '')) AS persons
    FROM audit.audit_logs AS l
    WHERE l.recorded_at >= audit.visible_from('audit.audit_logs')
        AND l.recorded_at < date_trunc('day', clock_timestamp(), 'UTC')
    GROUP BY l.org_id, day, l.action, l.outcome, l.key_epoch
) AS e
GROUP BY e.org_id, e.day, e.action, e.outcome
HAVING max(e.persons) = 0 OR max(e.persons) >= 5;

COMMENT ON VIEW audit.counts_by_day IS 'Entries of the trail by tenant, UTC day, action and outcome; no group of fewer than five persons.';
