-- The answer that staff_daily must hold for a day, in another way: the first copy by argMin, and figures of lists.
SELECT
    org_id,
    dateTrunc('day', its_occurred_at) AS day,
    its_team_id AS team_id,
    its_metric AS metric,
    its_unit AS unit,
    count() AS figures,
    arraySum(groupArray(its_value)) AS value_sum,
    arrayMin(groupArray(its_value)) AS value_min,
    arrayMax(groupArray(its_value)) AS value_max,
    few_actors_of(arrayMap(
        one -> actor_mark(one.1, one.2), groupUniqArrayIf((its_key_epoch, its_actor_hash), its_actor_hash != '')
    )) AS few_actors
FROM
    (
        SELECT
            org_id,
            argMin(tuple(occurred_at), (received_at, ingested_at, batch_id)).1 AS its_occurred_at,
            argMin(tuple(team_id), (received_at, ingested_at, batch_id)).1 AS its_team_id,
            argMin(tuple(metric), (received_at, ingested_at, batch_id)).1 AS its_metric,
            argMin(tuple(unit), (received_at, ingested_at, batch_id)).1 AS its_unit,
            argMin(tuple(value), (received_at, ingested_at, batch_id)).1 AS its_value,
            argMin(tuple(key_epoch), (received_at, ingested_at, batch_id)).1 AS its_key_epoch,
            argMin(tuple(actor_hash), (received_at, ingested_at, batch_id)).1 AS its_actor_hash
        FROM staff_metrics
        WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
            AND occurred_at >= telemetry_now() - toIntervalYear(1)
        GROUP BY org_id, event_id
    )
GROUP BY org_id, day, team_id, metric, unit;
