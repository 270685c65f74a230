-- The answer that stalls_hourly must hold for a day, in another way: the newest version by rank, a reading for each
-- dimension, and sums of lists.
WITH
    newest AS
    (
        SELECT *
        FROM media_buffering_events
        WHERE (session_id, org_id, event_id) IN (
            SELECT session_id, org_id, event_id
            FROM media_buffering_events
            WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
        )
        ORDER BY fold_version DESC, is_deleted DESC, ingested_at DESC
        LIMIT 1 BY session_id, org_id, event_id
    ),
    people AS
    (
        SELECT org_id, dateTrunc('hour', occurred_at) AS hour, cause, duration_ms, key_epoch, actor_hash,
            coalesce(toString(country_code), '') AS country, toString(device_type) AS device,
            toString(browser_family) AS browser
        FROM newest
        WHERE is_deleted = 0 AND is_bot = false AND occurred_at >= telemetry_now() - toIntervalYear(1)
            AND occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
    ),
    listed AS
    (
        SELECT org_id, hour, dimension, value, cause, count() AS stalls,
            groupArrayIf(ifNull(duration_ms, 0), duration_ms IS NOT NULL) AS lengths, groupUniqArrayIf((key_epoch, actor_hash), actor_hash != '') AS persons
        FROM
        (
            SELECT *, 'all' AS dimension, '' AS value FROM people
            UNION ALL SELECT *, 'country_code' AS dimension, country AS value FROM people
            UNION ALL SELECT *, 'device_type' AS dimension, device AS value FROM people
            UNION ALL SELECT *, 'browser_family' AS dimension, browser AS value FROM people
        )
        GROUP BY org_id, hour, dimension, value, cause
    )
SELECT
    org_id,
    hour,
    dimension,
    value,
    cause,
    stalls,
    stalls - length(lengths) AS open_stalls,
    arraySum(lengths) AS duration_ms_sum,
    arrayMap(
        bucket -> toUInt32(countEqual(arrayMap(ms -> histogram_bucket(ms), lengths), bucket)),
        if(empty(lengths), [], range(toUInt8(arrayMax(arrayMap(ms -> histogram_bucket(ms), lengths))) + 1))
    ) AS duration_ms_histogram,
    few_actors_of(arrayMap(one -> actor_mark(one.1, one.2), persons)) AS few_actors
FROM listed;
