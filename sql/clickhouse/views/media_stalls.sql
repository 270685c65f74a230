-- The stalls of some sessions, paired from their events. Parameters and clock: see media_timeline.
--
-- Five kinds of events matter. A buffering_start opens a stall; the next of the five closes it, whichever it is
--   (`closed_by`), so that a lost buffering_end costs no more than the time to the next play, pause, start or end of
--   the session. Without any, the stall stays open and its length unknown.
-- Pause: who pauses does not wait, so that a pause ends a stall, unless the buffering_end follows within 10 s (a
--   heartbeat's time): then the player says itself how long it was stalled.
-- A buffering_end with no start since the end before it is a stall of its own (`end_only`), counted backwards by the
--   player's own measure but never beyond the mark before it: stalls neither overlap nor have a negative length. An end
--   that comes after another mark closed its start belongs to that same stall, and counts no more.
-- Cause: startup at position 0 before anything played; seek within a second of one; else rebuffer.
CREATE OR REPLACE VIEW media_stalls AS
WITH
    placed AS
    (
        SELECT
            session_id, org_id, event_id, event, at, turn, received_at, position_seconds, duration_ms, bitrate_before,
            bitrate_after, cdn_response_time_ms,
            count() OVER session AS events,
            min(if(event IN ('play', 'heartbeat'), at, NULL)) OVER session AS first_played,
            min(if(event = 'session_start', at, NULL)) OVER session AS opened,
            groupArrayIf(at, event = 'seek') OVER session AS seeks
        FROM media_timeline(sessions = {sessions:String}, since = {since:DateTime64(3, 'UTC')})
        WINDOW session AS (PARTITION BY session_id, org_id)
    ),
    marks AS
    (
        SELECT
            *,
            leadInFrame(event, 1, '') OVER following AS next_event,
            leadInFrame(at, 1) OVER following AS next_at,
            leadInFrame(bitrate_after, 1) OVER following AS next_bitrate,
            leadInFrame(event, 2, '') OVER following AS second_event,
            leadInFrame(at, 2) OVER following AS second_at,
            leadInFrame(bitrate_after, 2) OVER following AS second_bitrate,
            any(at::Nullable(Int64)) OVER before AS previous_at,
            anyLast(if(turn IN (2, 3), turn, NULL)) OVER earlier AS wait_before,
            next_event = 'pause' AND second_event = 'buffering_end' AND second_at - next_at <= 10000 AS ends_in_pause
        FROM placed
        WHERE event IN ('buffering_start', 'buffering_end', 'play', 'pause', 'session_end')
        WINDOW
            walk AS (PARTITION BY session_id, org_id ORDER BY at, turn, event_id),
            following AS (walk ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING),
            before AS (walk ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING),
            earlier AS (walk ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    )
SELECT
    session_id,
    org_id,
    event_id,
    received_at,
    position_seconds,
    bitrate_before,
    cdn_response_time_ms,
    multiIf(
        event = 'buffering_end', 'end_only',
        next_event = '', 'open',
        ends_in_pause, 'buffering_end',
        next_event = 'buffering_start', 'next_stall',
        next_event
    ) AS closed_by,
    toInt64(ifNull(duration_ms, 0)) AS told_ms,
    if(
        closed_by = 'end_only',
        least(at, greatest(at - told_ms, coalesce(previous_at, opened, at - told_ms))),
        at
    ) AS began,
    multiIf(closed_by = 'end_only', at, closed_by = 'open', NULL, ends_in_pause, second_at, next_at) AS ended,
    if(closed_by = 'end_only' AND duration_ms IS NULL, NULL, ended - began) AS lasted_ms,
    multiIf(
        closed_by = 'end_only', bitrate_after,
        closed_by != 'buffering_end', NULL,
        ends_in_pause, second_bitrate,
        next_bitrate
    ) AS bitrate_after,
    multiIf(
        ifNull(position_seconds, 0) = 0 AND began <= ifNull(first_played, began), 'startup',
        arrayExists(seek -> abs(seek - began) <= 1000, seeks), 'seek',
        'rebuffer'
    ) AS cause,
    events
FROM marks
WHERE event = 'buffering_start' OR (event = 'buffering_end' AND ifNull(wait_before, 3) != 2);
