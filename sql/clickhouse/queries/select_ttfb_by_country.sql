-- How long patients wait for the first byte, by country: median, 95th percentile, and how many views say so.
SELECT
    ifNull(country_code, 'unknown') AS country,
    count(ttfb_ms) AS n,
    round(quantileExact(0.5)(ttfb_ms)) AS median_ttfb_ms,
    round(quantileExact(0.95)(ttfb_ms)) AS p95_ttfb_ms
FROM media_sessions_current
WHERE ttfb_ms IS NOT NULL
GROUP BY country
ORDER BY n DESC, country;
