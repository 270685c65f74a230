-- Numbers that a producer gave and that never reached the drain, by stream. A gap that is young may still close: two
-- requests of one process can reach a stream in the other order.
SELECT stream, sum(missing) AS missing, count(DISTINCT producer) AS producers
FROM ingest.producer_gaps
WHERE gap_since <= now() - make_interval(secs => %(seconds)s)
GROUP BY stream;
