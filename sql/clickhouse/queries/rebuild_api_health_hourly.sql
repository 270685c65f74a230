-- One day's requests by hour and route, each event once.
SELECT
    org_id,
    toStartOfHour(occurred_at) AS hour,
    method,
    route,
    count() AS requests,
    countIf(status_code BETWEEN 400 AND 499) AS client_errors,
    countIf(status_code BETWEEN 500 AND 599) AS server_errors,
    sum(duration_ms) AS duration_ms_sum,
    CAST(sumForEach(histogram_of(duration_ms)), 'Array(UInt32)') AS duration_ms_histogram,
    sum(ifNull(request_bytes, 0)) AS request_bytes_sum,
    sum(ifNull(response_bytes, 0)) AS response_bytes_sum,
    {now:DateTime64(3, 'UTC')} AS built_at
FROM
    (
        SELECT *
        FROM api_metrics_live
        WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
        ORDER BY received_at, ingested_at, batch_id
        LIMIT 1 BY org_id, event_id
    )
GROUP BY org_id, hour, method, route;
