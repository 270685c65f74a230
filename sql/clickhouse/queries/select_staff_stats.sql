-- Figures of staff of a tenant over whole days, by team, metric and unit.
SELECT
    v.team_id AS team_id,
    v.metric AS metric,
    v.unit AS unit,
    sum(v.figures) AS figures,
    sum(v.value_sum) AS value_sum,
    min(v.value_min) AS value_min,
    max(v.value_max) AS value_max,
    groupUniqArrayArray(v.few_actors) AS marks
FROM staff_daily AS v
WHERE v.org_id = {org:String}
    AND ({metric:String} = '' OR v.metric = {metric:String})
    AND v.day >= {since:DateTime64(3, 'UTC')}
    AND v.day < {until:DateTime64(3, 'UTC')}
    AND toDate(v.day) > toDate(telemetry_now() - toIntervalYear(1))
GROUP BY team_id, metric, unit
ORDER BY metric, unit, team_id
LIMIT {most:UInt32};
