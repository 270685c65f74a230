-- Dropped events by kind, the level that counted, and the reason.
SELECT kind, consent_level, reason, count() AS drops
FROM consent_drops
GROUP BY kind, consent_level, reason
ORDER BY kind, consent_level, reason;
