-- The figures of sessions' peers: how many tell each, its middle and its tenth decile, in three circles.
--
-- sessions: their keys (see tenant_keys). since, until: the earliest and the latest beginning of them.
-- Peers: sessions of the same tenant that began in the seven days before, by persons, and not the session itself.
-- circle: 1 the same country and connection, 2 the same country, 3 all. What a browser does not tell is a group of its own.
-- The figures are those of `verdict_figures.py`; of the CDN, peers tell the answer at their start.
WITH
    sessions AS
    (
        SELECT org_id, session_id, ifNull(country_code, '') AS country, ifNull(connection_type, '') AS connection,
            ifNull(started_at, occurred_at) AS began_at
        FROM media_sessions_current AS session
        WHERE (session.session_id, session.org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
    ),
    peers AS
    (
        SELECT
            org_id,
            session_id AS peer_id,
            ifNull(country_code, '') AS peer_country,
            ifNull(connection_type, '') AS peer_connection,
            ifNull(started_at, occurred_at) AS peer_began_at,
            ttfb_ms,
            load_ms,
            startup_ms,
            cdn_response_time_ms AS cdn_ms,
            rtt_ms,
            effective_bandwidth * 1e6 / nullIf(ifNull(avg_bitrate, toFloat64(last_bitrate)), 0) AS bandwidth_margin,
            if(watched_seconds > 0, 100 * stall_ms / (stall_ms + 1000 * watched_seconds), NULL) AS stalled_percent,
            toFloat64(stall_count)::Nullable(Float64) AS stall_count,
            least(100, 100 * dropped_frames / nullIf(watched_seconds * 30, 0)) AS dropped_percent,
            completion
        FROM media_sessions_current AS session
        WHERE NOT is_bot
            AND session.org_id IN (SELECT org_id FROM sessions)
            AND session.occurred_at >= {since:DateTime64(3, 'UTC')} - INTERVAL 7 DAY
            AND session.occurred_at <= {until:DateTime64(3, 'UTC')}
    )
SELECT
    org_id,
    toString(asked_session) AS session_id,
    circle,
    count(ttfb_ms) AS ttfb_ms_n,
    quantilesExactInclusive(0.5, 0.9)(ttfb_ms) AS ttfb_ms_quantiles,
    count(load_ms) AS load_ms_n,
    quantilesExactInclusive(0.5, 0.9)(load_ms) AS load_ms_quantiles,
    count(startup_ms) AS startup_ms_n,
    quantilesExactInclusive(0.5, 0.9)(startup_ms) AS startup_ms_quantiles,
    count(cdn_ms) AS cdn_ms_n,
    quantilesExactInclusive(0.5, 0.9)(cdn_ms) AS cdn_ms_quantiles,
    count(rtt_ms) AS rtt_ms_n,
    quantilesExactInclusive(0.5, 0.9)(rtt_ms) AS rtt_ms_quantiles,
    count(bandwidth_margin) AS bandwidth_margin_n,
    quantilesExactInclusive(0.5, 0.9)(bandwidth_margin) AS bandwidth_margin_quantiles,
    count(stalled_percent) AS stalled_percent_n,
    quantilesExactInclusive(0.5, 0.9)(stalled_percent) AS stalled_percent_quantiles,
    count(stall_count) AS stall_count_n,
    quantilesExactInclusive(0.5, 0.9)(stall_count) AS stall_count_quantiles,
    count(dropped_percent) AS dropped_percent_n,
    quantilesExactInclusive(0.5, 0.9)(dropped_percent) AS dropped_percent_quantiles,
    count(completion) AS completion_n,
    quantilesExactInclusive(0.5, 0.9)(completion) AS completion_quantiles
FROM
(
    SELECT
        sessions.org_id AS org_id,
        sessions.session_id AS asked_session,
        peers.* EXCEPT (org_id),
        arrayJoin(
            arrayFilter(
                circle -> circle > 2
                    OR (peer_country = country AND (circle = 2 OR peer_connection = connection)),
                [1, 2, 3]
            )
        ) AS circle
    FROM sessions
    INNER JOIN peers ON peers.org_id = sessions.org_id
    WHERE peer_id != session_id AND peer_began_at <= began_at AND peer_began_at >= began_at - INTERVAL 7 DAY
)
GROUP BY org_id, asked_session, circle
ORDER BY org_id, asked_session, circle;
