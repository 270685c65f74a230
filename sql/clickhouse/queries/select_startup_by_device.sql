-- TTFB, stalls and outcomes by device, over the newest version of every session.
SELECT
    device_type AS device,
    count() AS sessions,
    avg(ttfb_ms) AS avg_ttfb_ms,
    quantileExact(0.95)(ttfb_ms) AS p95_ttfb_ms,
    avg(stall_count) AS stalls_per_session,
    sum(stall_ms) / nullIf(sum(stall_ms) + 1000 * sum(watched_seconds), 0) AS stalled_share,
    countIf(state = 'completed') / count() AS completion_rate,
    countIf(fatal_error) / count() AS error_rate
FROM media_sessions_current
GROUP BY device
ORDER BY sessions DESC, device;
