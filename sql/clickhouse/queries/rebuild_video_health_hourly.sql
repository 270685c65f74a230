-- One day's sessions by hour and dimension: the base is read once, and each session counts in five groups.
WITH
    base AS
    (
        SELECT
            *,
            1000 * watched_seconds + stall_ms AS present_ms,
            startup_ms IS NULL AND watched_seconds = 0 AND NOT fatal_error AS unplayed,
            800 / (8 + startup_ms / 1000) AS startup_score,
            if(
                present_ms > 0,
                (100 / sqrt(1 + pow(stall_count / 2, 2)) + 100 * exp(-10 * stall_ms / present_ms)) / 2,
                NULL
            ) AS smoothness,
            multiIf(
                fatal_error, 0,
                NOT unplayed, 100,
                last_event_at - ifNull(started_at, occurred_at) < 1, NULL,
                50
            ) AS success
        FROM media_sessions_current
        -- First those that have a version in the day: the view would put together the versions of all time.
        WHERE (session_id, org_id) IN
            (
                SELECT session_id, org_id
                FROM media_sessions
                WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
            )
            AND NOT is_bot
            AND occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
    )
SELECT
    org_id,
    toStartOfHour(occurred_at) AS hour,
    pair.1 AS dimension,
    pair.2 AS value,
    count() AS sessions,
    countIf(start_seen) AS started,
    countIf(state = 'completed') AS completed,
    countIf(state = 'abandoned') AS abandoned,
    countIf(fatal_error) AS fatal_sessions,
    sum(base.error_count) AS error_count,
    countIf(base.stall_count > 0) AS stalled_sessions,
    countIf(unplayed) AS never_played,
    count(ttfb_ms) AS ttfb_ms_count,
    sum(ifNull(ttfb_ms, 0)) AS ttfb_ms_sum,
    count(load_ms) AS load_ms_count,
    sum(ifNull(load_ms, 0)) AS load_ms_sum,
    count(startup_ms) AS startup_ms_count,
    sum(ifNull(startup_ms, 0)) AS startup_ms_sum,
    sum(base.stall_count) AS stall_count,
    sum(base.stall_ms) AS stall_ms,
    sum(base.seek_stall_ms) AS seek_stall_ms,
    count(buffering_count) AS buffering_count_count,
    sum(ifNull(buffering_count, 0)) AS buffering_count_sum,
    count(buffering_duration_ms) AS buffering_duration_ms_count,
    sum(ifNull(buffering_duration_ms, 0)) AS buffering_duration_ms_sum,
    sum(base.watched_seconds) AS watched_seconds,
    sum(ifNull(avg_bitrate, 0) * base.watched_seconds) AS bitrate_seconds,
    sumIf(base.watched_seconds, avg_bitrate IS NOT NULL) AS bitrate_weight,
    count(completion) AS completion_count,
    sum(ifNull(completion, 0)) AS completion_sum,
    sum(ifNull(base.dropped_frames, 0)) AS dropped_frames,
    count(base.dropped_frames) AS frames_sessions,
    count(startup_score) AS startup_score_count,
    sum(ifNull(startup_score, 0)) AS startup_score_sum,
    count(smoothness) AS smoothness_score_count,
    sum(ifNull(smoothness, 0)) AS smoothness_score_sum,
    count(success) AS success_score_count,
    sum(ifNull(success, 0)) AS success_score_sum,
    CAST(sumForEach(histogram_of(ttfb_ms)), 'Array(UInt32)') AS ttfb_ms_histogram,
    CAST(sumForEach(histogram_of(load_ms)), 'Array(UInt32)') AS load_ms_histogram,
    CAST(sumForEach(histogram_of(startup_ms)), 'Array(UInt32)') AS startup_ms_histogram,
    few_actors_of(groupUniqArrayIf(actor_mark(key_epoch, actor_hash), actor_hash != '')) AS few_actors,
    {now:DateTime64(3, 'UTC')} AS built_at
FROM base
ARRAY JOIN
    [
        ('all', ''),
        ('country_code', ifNull(toString(base.country_code), '')),
        ('device_type', ifNull(toString(base.device_type), '')),
        ('connection_type', ifNull(toString(base.connection_type), '')),
        ('browser_family', ifNull(toString(base.browser_family), ''))
    ] AS pair
GROUP BY org_id, hour, dimension, value;
