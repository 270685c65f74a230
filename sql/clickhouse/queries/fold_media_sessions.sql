-- Folds the event log of some sessions into one row each, from all of their events: the same for every order of
-- arrival.
--
-- sessions and since: see media_timeline. stalled: those among them that have stalls, so that the others need no
--   pairing. now: when the rows are stored. drained_until: the time of receipt up to which the queue is empty: a
--   session without an end, silent for a minute before it (half an hour after a pause), was abandoned; 1971 derives
--   nothing.
-- fold_version = rules * 2^40 + distinct events: the row that knows more events wins, and new rules win over all. Raise
--   the 1 here and in fold_media_stalls when the meaning of a column changes.
INSERT INTO media_sessions
(
    session_id, occurred_at, received_at, ingested_at, org_id, actor_hash, key_epoch, ip_truncated, country_code, region,
    device_type, browser_family, os_family, is_bot, consent_level, media_id, media_type, started_at, ended_at,
    last_event_at, last_received_at, state, end_derived, start_seen, event_count, total_duration_seconds,
    connection_type, effective_bandwidth, rtt_ms, ttfb_ms, load_ms, cdn_response_time_ms, startup_ms, position_seconds,
    furthest_seconds, buffering_count, buffering_duration_ms, stall_count, stall_ms, seek_stall_ms, watched_seconds,
    completion, avg_bitrate, last_bitrate, resolution, dropped_frames, milestones, error_count, fatal_error,
    conflicting_terminals, skewed, fold_version
)
WITH
    -- Each event with the state that it leaves the player in, and how long until the next one (`span`).
    line AS
    (
        SELECT
            session_id, org_id, event_id, event, at, turn, received_at, position_after, told_bitrate, told_resolution,
            buffering_duration_ms, duration_ms, reason,
            row_number() OVER walk AS place,
            anyLast(told_bitrate) OVER until AS bitrate,
            leadInFrame(position_before) OVER onwards AS next_position,
            toFloat64(leadInFrame(at, 1, at) OVER onwards - at) AS span,
            -- By turn: 4 play, 5 pause, 7 session_end, and 8 for an error after which playback cannot go on.
            anyLast(multiIf(turn IN (4, 5, 7), turn, fatal, 8, NULL)) OVER until AS switch,
            -- By turn: 2 buffering_start, 3 buffering_end, 4 play, 7 session_end.
            anyLast(if(turn IN (2, 3, 4, 7), turn, NULL)) OVER until AS flow,
            max(event = 'heartbeat') OVER until AS heartbeat_before,
            max(event = 'heartbeat') OVER session AS sends_heartbeats,
            min(if(event = 'session_start', at, NULL)) OVER session AS opened,
            max(buffering_duration_ms) OVER earlier AS counted_before,
            anyLast(if(buffering_duration_ms IS NULL, NULL, at)) OVER earlier AS counted_at,
            -- By turn: the last wait, and the last of the five marks that open or close stalls (see media_stalls).
            anyLast(if(turn IN (2, 3), turn, NULL)) OVER earlier AS wait_before,
            anyLast(if(turn IN (2, 3, 4, 5, 7), turn, NULL)) OVER earlier AS mark_before,
            anyLast(if(turn IN (2, 3, 4, 5, 7), at, NULL)) OVER earlier AS mark_at
        FROM media_timeline(sessions = {sessions:Text}, since = {since:DateTime64(3, 'UTC')})
        WINDOW
            session AS (PARTITION BY session_id, org_id),
            walk AS (PARTITION BY session_id, org_id ORDER BY at, turn, event_id),
            until AS (walk ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
            earlier AS (walk ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
            onwards AS (walk ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)
    ),
    timed AS
    (
        SELECT
            *,
            -- A heartbeat before any play, pause or end says that the play was lost, not that nothing played.
            -- A player that sends heartbeats and is silent for over a minute slept, unless its position went on.
            multiIf(
                ifNull(switch, if(heartbeat_before, 4, 0)) != 4 OR ifNull(flow, 0) = 2, 0,
                sends_heartbeats AND span > 60000 AND position_after IS NOT NULL AND next_position IS NOT NULL,
                least(span, greatest(60000, (next_position - position_after) * 1000)),
                span
            ) AS played_ms,
            -- The player's own count of stalled time cannot grow faster than time passes.
            if(
                buffering_duration_ms IS NULL,
                NULL,
                greatest(
                    least(
                        buffering_duration_ms - ifNull(counted_before, 0),
                        ifNull(toFloat64(at - coalesce(counted_at, opened)), inf)
                    ),
                    0
                )
            ) AS counted_ms,
            -- A buffering_end whose start was lost: what was counted as played while it lasted is taken off again.
            if(
                turn = 3 AND ifNull(wait_before, 3) = 3 AND ifNull(mark_before, 0) IN (3, 4),
                least(ifNull(duration_ms, 0), toFloat64(at - mark_at)),
                0
            ) AS unseen_ms
        FROM line
    ),
    walked AS
    (
        SELECT
            session_id,
            org_id,
            count() AS events,
            min(at) AS first_at,
            max(at) AS last_at,
            min(received_at) AS first_received,
            max(received_at) AS last_received,
            any(opened) AS started,
            min(if(event = 'play', at, NULL)) AS first_play,
            argMax(position_after, place) AS last_position,
            argMax(told_bitrate, place) AS newest_bitrate,
            argMax(told_resolution, place) AS newest_resolution,
            argMax(switch, place) AS last_switch,
            sum(counted_ms) AS counted_stall_ms,
            sum(played_ms) - sum(unseen_ms) AS playing_ms,
            max(event IN ('play', 'heartbeat')) AS played,
            sum(played_ms * bitrate) / nullIf(sumIf(played_ms, bitrate IS NOT NULL), 0) AS mean_bitrate,
            countIf(event = 'error') AS errors,
            arraySort(groupArrayIf((at, event_id, ifNull(reason, '')), event = 'session_end')) AS ends
        FROM timed
        GROUP BY session_id, org_id
    ),
    -- What takes no order, or only the client's own (copies of an event agree in it).
    facts AS
    (
        SELECT
            session_id,
            org_id,
            argMin(
                (
                    actor_hash, key_epoch, ip_truncated, country_code, region, device_type, browser_family,
                    os_family, is_bot, media_id, media_type
                ),
                (client_at, event_id, received_at, ingested_at)
            ) AS context,
            min(consent_level) AS level,
            max(coalesce(position_seconds, from_position)) AS furthest,
            max(buffering_count) AS counted_stalls,
            max(dropped_frames) AS dropped,
            max(watched_seconds) AS told_watched,
            arraySort(groupUniqArray(percent)) AS shares,
            max(ifNull(fatal, false)) AS died,
            max(skewed) AS any_skewed
        FROM media_events
        WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
            AND occurred_at >= {since:DateTime64(3, 'UTC')}
        GROUP BY session_id, org_id
    ),
    -- First non-null of each, should a session have been started twice.
    starts AS
    (
        SELECT
            session_id,
            org_id,
            argMin(total_duration_seconds, (client_at, event_id)) AS duration,
            argMin(connection_type, (client_at, event_id)) AS connection,
            argMin(effective_bandwidth, (client_at, event_id)) AS bandwidth,
            argMin(rtt_ms, (client_at, event_id)) AS rtt,
            argMin(ttfb_ms, (client_at, event_id)) AS ttfb,
            argMin(video_load_time_ms, (client_at, event_id)) AS load_time,
            argMin(cdn_response_time_ms, (client_at, event_id)) AS cdn_time
        FROM media_events
        WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
            AND occurred_at >= {since:DateTime64(3, 'UTC')}
            AND event = 'session_start'
        GROUP BY session_id, org_id
    ),
    -- The stalls of this very fold, which has just written them: the newest version of a session's stalls is all of
    -- them.
    stalls AS
    (
        SELECT
            session_id,
            org_id,
            countIf(cause = 'rebuffer') AS stall_count,
            sumIf(duration_ms, cause = 'rebuffer') AS stall_ms,
            sumIf(duration_ms, cause = 'seek') AS seek_stall_ms
        FROM
        (
            SELECT DISTINCT
                session_id, org_id, event_id, cause, duration_ms, is_deleted,
                fold_version = max(fold_version) OVER (PARTITION BY session_id, org_id) AS is_newest
            FROM media_buffering_events
            WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {stalled:Text}))
        )
        WHERE is_newest AND NOT is_deleted
        GROUP BY session_id, org_id
    ),
    -- An end without a reason is judged by how far the patient came; completed wins over abandoned, the first is kept.
    judged AS
    (
        SELECT
            *,
            if(duration > 0, least(1, ifNull(furthest, 0) / duration), NULL) AS share,
            arrayMap(
                end -> (
                    end.1,
                    multiIf(end.3 != '', end.3, ifNull(share, 0) >= 0.95 OR has(shares, 95), 'completed', 'abandoned')
                ),
                ends
            ) AS outcomes,
            arrayFilter(outcome -> outcome.2 = 'completed', outcomes) AS completions,
            if(notEmpty(completions), completions[1], outcomes[1]) AS kept,
            notEmpty(ends) AS has_ended,
            last_switch = 5 AS paused,
            NOT has_ended AND last_received + if(paused, toIntervalMinute(30), toIntervalMinute(1))
                < {drained_until:DateTime64(3, 'UTC')} AS silent
        FROM walked
        INNER JOIN facts USING (session_id, org_id)
        LEFT JOIN starts USING (session_id, org_id)
        LEFT JOIN stalls USING (session_id, org_id)
    )
SELECT
    session_id,
    fromUnixTimestamp64Milli(first_at, 'UTC'),
    first_received,
    {now:DateTime64(3, 'UTC')},
    org_id,
    context.1, context.2, context.3, context.4, context.5, context.6, context.7, context.8, context.9,
    level,
    context.10,
    context.11,
    fromUnixTimestamp64Milli(started, 'UTC'),
    fromUnixTimestamp64Milli(multiIf(has_ended, kept.1, silent, last_at, NULL), 'UTC'),
    fromUnixTimestamp64Milli(last_at, 'UTC'),
    last_received,
    multiIf(has_ended, kept.2, silent, 'abandoned', paused, 'paused', 'active'),
    silent,
    started IS NOT NULL,
    events,
    duration,
    connection,
    bandwidth,
    rtt,
    ttfb,
    load_time,
    cdn_time,
    -- `greatest` takes no notice of NULL: what is not known would be 0.
    if(first_play IS NULL OR started IS NULL, NULL, greatest(first_play - started, 0)),
    last_position,
    furthest,
    counted_stalls,
    counted_stall_ms,
    stall_count,
    ifNull(stall_ms, 0),
    ifNull(seek_stall_ms, 0),
    -- Where nothing says when it played, the player's own figure is taken.
    if(played, greatest(playing_ms, 0), least(ifNull(told_watched, 0) * 1000, toFloat64(last_at - first_at))) / 1000,
    share,
    mean_bitrate,
    newest_bitrate,
    newest_resolution,
    dropped,
    shares,
    errors,
    died,
    arrayCount(outcome -> outcome.2 != kept.2, outcomes),
    any_skewed,
    1 * bitShiftLeft(1::UInt64, 40) + events
FROM judged;
