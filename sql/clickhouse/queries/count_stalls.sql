-- Stalls by cause; only the newest version of each, and none that was taken back.
SELECT cause, count() AS stalls, sum(duration_ms) AS stalled_ms
FROM media_buffering_events FINAL
WHERE NOT is_deleted
GROUP BY cause
ORDER BY cause;
