-- One day's errors by hour and fingerprint, each event once.
SELECT
    org_id,
    toStartOfHour(occurred_at) AS hour,
    source,
    fingerprint,
    min(base.error_code) AS error_code,
    min(base.path) AS path,
    count() AS errors,
    countIf(base.fatal) AS fatal,
    uniqExact(session_id) AS sessions,
    countIf(http_status BETWEEN 400 AND 499) AS status_4xx,
    countIf(http_status BETWEEN 500 AND 599) AS status_5xx,
    min(occurred_at) AS first_seen,
    max(occurred_at) AS last_seen,
    few_actors_of(groupUniqArrayIf(actor_mark(key_epoch, actor_hash), actor_hash != '')) AS few_actors,
    {now:DateTime64(3, 'UTC')} AS built_at
FROM
    (
        SELECT *
        FROM error_events_live
        WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
        ORDER BY received_at, ingested_at, batch_id
        LIMIT 1 BY org_id, event_id
    ) AS base
GROUP BY org_id, hour, source, fingerprint;
