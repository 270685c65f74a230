-- One day's figures of staff by team and metric, each event once.
SELECT
    org_id,
    toStartOfDay(occurred_at) AS day,
    team_id,
    metric,
    unit,
    count() AS figures,
    sum(value) AS value_sum,
    min(value) AS value_min,
    max(value) AS value_max,
    few_actors_of(groupUniqArrayIf(actor_mark(key_epoch, actor_hash), actor_hash != '')) AS few_actors,
    {now:DateTime64(3, 'UTC')} AS built_at
FROM
    (
        SELECT *
        FROM staff_metrics_live
        WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
        ORDER BY received_at, ingested_at, batch_id
        LIMIT 1 BY org_id, event_id
    )
GROUP BY org_id, day, team_id, metric, unit;
