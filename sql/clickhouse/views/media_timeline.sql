-- The events of some sessions, each once, on the session's own clock (`at`, in ms since 1970).
--
-- sessions: their keys (see tenant_keys). since: no event of theirs occurred before it, so that older weeks are skipped.
--
-- Each once: reads never depend on what the drain filtered. The first stored copy of an event_id wins.
-- The session's clock: order and durations come from the client's own clock, shifted by one offset for the whole
--   session, namely the smallest difference between the corrected and the client's time: the others hold more of the
--   network's delay, and shifting each event by its own would let slow requests reorder a session.
-- Clocks that jump: when the differences within a session lie more than a minute apart, the client's clock was set in
--   between (or had stood at 1970), and only the corrected time orders such a session.
-- position_before, position_after, told_bitrate, told_resolution: what an event says of them, whatever its field is
--   called.
-- turn: within one millisecond, events count in the order in which a player goes through them. Ids, which are random,
--   decide only between two of the same kind.
CREATE OR REPLACE VIEW media_timeline AS
WITH
    log AS
    (
        SELECT
            *,
            toUnixTimestamp64Milli(client_at) AS client_ms,
            toUnixTimestamp64Milli(occurred_at) AS occurred_ms,
            transform(
                event,
                ['session_start', 'seek', 'buffering_start', 'buffering_end', 'play', 'pause', 'session_end'],
                [0, 1, 2, 3, 4, 5, 7],
                6
            )::UInt8 AS turn,
            coalesce(from_position, position_seconds) AS position_before,
            coalesce(to_position, position_seconds) AS position_after,
            coalesce(current_bitrate, to_bitrate, bitrate_after, bitrate_before, initial_bitrate) AS told_bitrate,
            coalesce(resolution, to_resolution, initial_resolution) AS told_resolution,
            row_number() OVER (
                PARTITION BY session_id, org_id, event_id ORDER BY received_at, ingested_at, batch_id
            ) AS copy
        FROM media_events
        WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:String}))
            AND occurred_at >= {since:DateTime64(3, 'UTC')}
    ),
    shifted AS
    (
        SELECT
            *,
            min(occurred_ms - client_ms) OVER session AS shift,
            max(occurred_ms - client_ms) OVER session AS largest_shift
        FROM log
        WHERE copy = 1
        WINDOW session AS (PARTITION BY session_id, org_id)
    )
SELECT
    * EXCEPT (client_ms, occurred_ms, copy, shift, largest_shift),
    if(largest_shift - shift > 60000, occurred_ms, client_ms + shift) AS at
FROM shifted;
