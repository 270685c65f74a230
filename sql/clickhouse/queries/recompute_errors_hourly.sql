-- The answer that errors_hourly must hold for a day, in another way: the first copy by argMin, and figures of lists.
SELECT
    org_id,
    dateTrunc('hour', its_occurred_at) AS hour,
    its_source AS source,
    its_fingerprint AS fingerprint,
    arraySort(groupArray(toString(its_error_code)))[1] AS error_code,
    if(count(its_path) = 0, NULL, arraySort(groupArray(ifNull(toString(its_path), '')))[countIf(its_path IS NULL) + 1]) AS path,
    count() AS errors,
    sum(toUInt64(its_fatal)) AS fatal,
    length(groupUniqArray(its_session_id)) AS sessions,
    sum(toUInt64(intDiv(ifNull(its_http_status, 0), 100) = 4)) AS status_4xx,
    sum(toUInt64(intDiv(ifNull(its_http_status, 0), 100) = 5)) AS status_5xx,
    arraySort(groupArray(its_occurred_at))[1] AS first_seen,
    arraySort(groupArray(its_occurred_at))[-1] AS last_seen,
    few_actors_of(arrayMap(
        one -> actor_mark(one.1, one.2), groupUniqArrayIf((its_key_epoch, its_actor_hash), its_actor_hash != '')
    )) AS few_actors
FROM
    (
        SELECT
            org_id,
            argMin(tuple(occurred_at), (received_at, ingested_at, batch_id)).1 AS its_occurred_at,
            argMin(tuple(source), (received_at, ingested_at, batch_id)).1 AS its_source,
            argMin(tuple(fingerprint), (received_at, ingested_at, batch_id)).1 AS its_fingerprint,
            argMin(tuple(error_code), (received_at, ingested_at, batch_id)).1 AS its_error_code,
            argMin(tuple(path), (received_at, ingested_at, batch_id)).1 AS its_path,
            argMin(tuple(fatal), (received_at, ingested_at, batch_id)).1 AS its_fatal,
            argMin(tuple(session_id), (received_at, ingested_at, batch_id)).1 AS its_session_id,
            argMin(tuple(http_status), (received_at, ingested_at, batch_id)).1 AS its_http_status,
            argMin(tuple(key_epoch), (received_at, ingested_at, batch_id)).1 AS its_key_epoch,
            argMin(tuple(actor_hash), (received_at, ingested_at, batch_id)).1 AS its_actor_hash
        FROM error_events
        WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
            AND occurred_at >= telemetry_now() - toIntervalYear(1)
        GROUP BY org_id, event_id
    )
GROUP BY org_id, hour, source, fingerprint;
