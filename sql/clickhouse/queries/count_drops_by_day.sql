-- Dropped events of a period by day: counts.
SELECT toString(toDate(received_at)) AS day, kind, consent_level, reason, count() AS events
FROM consent_drops_live
WHERE received_at >= {begins:DateTime64(3)} AND received_at < {ends:DateTime64(3)}
GROUP BY day, kind, consent_level, reason
ORDER BY day, kind, consent_level, reason
