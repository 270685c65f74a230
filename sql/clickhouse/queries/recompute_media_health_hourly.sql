-- The answer that media_health_hourly must hold for a day, in another way: versions are told apart by rank,
-- groups are grouping sets, and sums are those of lists of all values.
WITH
    newest AS
    (
        SELECT *
        FROM media_sessions
        WHERE (session_id, org_id) IN (
            SELECT session_id, org_id FROM media_sessions
            WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
        )
        ORDER BY fold_version DESC, end_derived DESC, ingested_at DESC
        LIMIT 1 BY session_id, org_id
    ),
    people AS
    (
        SELECT
            *,
            dateTrunc('hour', occurred_at) AS hour,
            coalesce(toString(country_code), '') AS country,
            toString(device_type) AS device,
            coalesce(toString(connection_type), '') AS connection,
            toString(browser_family) AS browser,
            if(stall_ms + 1000 * watched_seconds = 0, NULL, stall_ms / (stall_ms + 1000 * watched_seconds)) AS stalled,
            startup_ms IS NOT NULL OR watched_seconds > 0 AS played,
            dateDiff('millisecond', coalesce(started_at, occurred_at), last_event_at) < 1000 AS left_at_once
        FROM newest
        WHERE is_bot = false
            AND occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
            AND occurred_at >= telemetry_now() - toIntervalYear(2)
    ),
    listed AS
    (
        SELECT
            org_id, media_id, hour, country, device, connection, browser,
            grouping(country) + 2 * grouping(device) + 4 * grouping(connection) + 8 * grouping(browser) AS which,
            count() AS sessions,
            sum(toUInt64(start_seen)) AS started,
            sum(toUInt64(state = 'completed')) AS completed,
            sum(toUInt64(state = 'abandoned')) AS abandoned,
            sum(toUInt64(fatal_error)) AS fatal_sessions,
            groupArray(toUInt64(error_count)) AS errors,
            groupArray(toUInt64(stall_count)) AS stalls,
            groupArray(stall_ms) AS stall_times,
            groupArray(seek_stall_ms) AS seek_times,
            sum(toUInt64(NOT played AND NOT fatal_error)) AS never_played,
            groupArrayIf(ifNull(ttfb_ms, 0), ttfb_ms IS NOT NULL) AS ttfbs,
            groupArrayIf(ifNull(load_ms, 0), load_ms IS NOT NULL) AS loads,
            groupArrayIf(ifNull(startup_ms, 0), startup_ms IS NOT NULL) AS startups,
            groupArrayIf(ifNull(buffering_count, 0), buffering_count IS NOT NULL) AS counted,
            groupArrayIf(ifNull(buffering_duration_ms, 0), buffering_duration_ms IS NOT NULL) AS measured,
            groupArray(watched_seconds) AS watched,
            groupArrayIf((ifNull(avg_bitrate, 0), watched_seconds), avg_bitrate IS NOT NULL) AS rates,
            groupArrayIf(ifNull(completion, 0), completion IS NOT NULL) AS completions,
            groupArrayIf(ifNull(dropped_frames, 0), dropped_frames IS NOT NULL) AS dropped,
            groupArrayIf((ifNull(stalled, 0), stall_count), stalled IS NOT NULL) AS smooth,
            sum(toUInt64(NOT fatal_error AND played)) AS at_best,
            sum(toUInt64(NOT fatal_error AND NOT played AND NOT left_at_once)) AS halves,
            groupUniqArrayIf((key_epoch, actor_hash), actor_hash != '') AS persons
        FROM people
        GROUP BY GROUPING SETS (
        (org_id, media_id, hour),
        (org_id, media_id, hour, country),
        (org_id, media_id, hour, device),
        (org_id, media_id, hour, connection),
        (org_id, media_id, hour, browser)
        )
    )
SELECT
    org_id,
    media_id,
    hour,
    transform(
        which,
        [15, 14, 13, 11, 7],
        ['all', 'country_code', 'device_type', 'connection_type', 'browser_family'],
        ''
    ) AS dimension,
    concat(country, device, connection, browser) AS value,
    sessions,
    started,
    completed,
    abandoned,
    fatal_sessions,
    arraySum(errors) AS error_count,
    arrayCount(stall -> stall > 0, stalls) AS stalled_sessions,
    never_played,
    length(ttfbs) AS ttfb_ms_count,
    arraySum(ttfbs) AS ttfb_ms_sum,
    length(loads) AS load_ms_count,
    arraySum(loads) AS load_ms_sum,
    length(startups) AS startup_ms_count,
    arraySum(startups) AS startup_ms_sum,
    arraySum(stalls) AS stall_count,
    arraySum(stall_times) AS stall_ms,
    arraySum(seek_times) AS seek_stall_ms,
    length(counted) AS buffering_count_count,
    arraySum(counted) AS buffering_count_sum,
    length(measured) AS buffering_duration_ms_count,
    arraySum(measured) AS buffering_duration_ms_sum,
    arraySum(watched) AS watched_seconds,
    arraySum(rate -> rate.1 * rate.2, rates) AS bitrate_seconds,
    arraySum(rate -> rate.2, rates) AS bitrate_weight,
    length(completions) AS completion_count,
    arraySum(completions) AS completion_sum,
    arraySum(dropped) AS dropped_frames,
    length(dropped) AS frames_sessions,
    length(startups) AS startup_score_count,
    arraySum(ms -> 100 * 8000 / (8000 + ms), startups) AS startup_score_sum,
    length(smooth) AS smoothness_score_count,
    arraySum(one -> 50 / sqrt(1 + one.2 * one.2 / 4) + 50 * exp(-10 * one.1), smooth) AS smoothness_score_sum,
    at_best + halves + fatal_sessions AS success_score_count,
    100. * at_best + 50. * halves AS success_score_sum,
    arrayMap(
        bucket -> toUInt32(countEqual(arrayMap(ms -> histogram_bucket(ms), ttfbs), bucket)),
        if(empty(ttfbs), [], range(toUInt8(arrayMax(arrayMap(ms -> histogram_bucket(ms), ttfbs))) + 1))
    ) AS ttfb_ms_histogram,
    arrayMap(
        bucket -> toUInt32(countEqual(arrayMap(ms -> histogram_bucket(ms), loads), bucket)),
        if(empty(loads), [], range(toUInt8(arrayMax(arrayMap(ms -> histogram_bucket(ms), loads))) + 1))
    ) AS load_ms_histogram,
    arrayMap(
        bucket -> toUInt32(countEqual(arrayMap(ms -> histogram_bucket(ms), startups), bucket)),
        if(empty(startups), [], range(toUInt8(arrayMax(arrayMap(ms -> histogram_bucket(ms), startups))) + 1))
    ) AS startup_ms_histogram,
    few_actors_of(arrayMap(one -> actor_mark(one.1, one.2), persons)) AS few_actors
FROM listed;
