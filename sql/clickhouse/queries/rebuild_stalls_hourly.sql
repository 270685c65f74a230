-- One day's stalls by hour, dimension and cause: the base is read once, and each stall counts in four groups.
SELECT
    org_id,
    toStartOfHour(occurred_at) AS hour,
    pair.1 AS dimension,
    pair.2 AS value,
    cause,
    count() AS stalls,
    countIf(duration_ms IS NULL) AS open_stalls,
    sum(ifNull(duration_ms, 0)) AS duration_ms_sum,
    CAST(sumForEach(histogram_of(duration_ms)), 'Array(UInt32)') AS duration_ms_histogram,
    few_actors_of(groupUniqArrayIf(actor_mark(key_epoch, actor_hash), actor_hash != '')) AS few_actors,
    {now:DateTime64(3, 'UTC')} AS built_at
FROM media_buffering_current AS base
ARRAY JOIN
    [
        ('all', ''),
        ('country_code', ifNull(toString(base.country_code), '')),
        ('device_type', ifNull(toString(base.device_type), '')),
        ('browser_family', ifNull(toString(base.browser_family), ''))
    ] AS pair
-- First those that have a version in the day: the view would put together the versions of all time.
WHERE (session_id, org_id, event_id) IN
    (
        SELECT session_id, org_id, event_id
        FROM media_buffering_events
        WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
    )
    AND NOT is_bot AND occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
GROUP BY org_id, hour, dimension, value, cause;
