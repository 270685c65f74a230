-- What became of the events of these streams since a moment, by kind; the reasons are those of the dead letters.
WITH ended AS (
    SELECT kind, sum(events) AS events, sum(dead_lettered) AS dead_lettered, sum(id_conflict) AS id_conflict,
        sum(too_late) AS too_late
    FROM ingest.batches
    WHERE stream = ANY(%(streams)s) AND state IN ('closed', 'acked') AND closed_at >= %(since)s
    GROUP BY kind
), reasons AS (
    SELECT kind, jsonb_object_agg(reason, letters) AS by_reason
    FROM (
        SELECT kind, reason, count(*) AS letters
        FROM privacy.dead_letters
        WHERE failed_at >= %(since)s
        GROUP BY kind, reason
    ) AS counted
    GROUP BY kind
)
SELECT kind, coalesce(events, 0), coalesce(dead_lettered, 0), coalesce(id_conflict, 0), coalesce(too_late, 0),
    coalesce(by_reason, '{}')
FROM ended FULL JOIN reasons USING (kind)
