-- How often and how long playback stalls, by device: stalls a view, the share of views with any, and the 95th
-- percentile of one stall's length, each beside the number it rests on. Startup and seeking are no stalls.
SELECT
    device_type AS device,
    count() AS n,
    round(avg(stall_count), 2) AS stalls_per_session,
    round(countIf(stall_count > 0) / n, 3) AS sessions_with_stalls,
    any(stalls) AS n_stalls,
    any(p95) AS p95_stall_ms
FROM media_sessions_current
LEFT JOIN
(
    SELECT
        device_type,
        count(duration_ms) AS stalls,
        round(quantileExact(0.95)(duration_ms)) AS p95
    FROM media_buffering_current
    WHERE cause = 'rebuffer' AND duration_ms IS NOT NULL
    GROUP BY device_type
) AS lengths USING (device_type)
GROUP BY device
ORDER BY n DESC, device;
