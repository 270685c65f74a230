-- TTFB, stalls and outcomes by country, over the newest version of every session that a person watched.
SELECT
    ifNull(country_code, '') AS country,
    count() AS sessions,
    avg(ttfb_ms) AS avg_ttfb_ms,
    quantileExact(0.95)(ttfb_ms) AS p95_ttfb_ms,
    avg(stall_count) AS stalls_per_session,
    sum(stall_ms) / nullIf(sum(stall_ms) + 1000 * sum(watched_seconds), 0) AS stalled_share,
    countIf(state = 'completed') / count() AS completion_rate,
    countIf(fatal_error) / count() AS error_rate
FROM media_sessions_current
WHERE NOT is_bot
GROUP BY country
ORDER BY sessions DESC, country;
