-- How often and how long playback stalls, by country, beside the number of views. Startup and seeking are no stalls.
SELECT
    ifNull(country_code, 'unknown') AS country,
    count() AS n,
    round(avg(stall_count), 2) AS stalls_per_session,
    round(sum(stall_ms) / nullIf(sum(stall_ms) + sum(watched_seconds) * 1000, 0), 4) AS stalled_share
FROM media_sessions_current
GROUP BY country
ORDER BY n DESC, country;
