-- The answer that api_health_hourly must hold for a day, in another way: the first copy by argMin, and sums of lists.
SELECT
    org_id,
    dateTrunc('hour', its_occurred_at) AS hour,
    its_method AS method,
    its_route AS route,
    count() AS requests,
    sum(toUInt64(intDiv(its_status_code, 100) = 4)) AS client_errors,
    sum(toUInt64(intDiv(its_status_code, 100) = 5)) AS server_errors,
    arraySum(groupArray(its_duration_ms)) AS duration_ms_sum,
    arrayMap(
        bucket -> toUInt32(countEqual(arrayMap(ms -> histogram_bucket(ms), groupArray(its_duration_ms)), bucket)),
        if(empty(groupArray(its_duration_ms)), [], range(toUInt8(arrayMax(arrayMap(ms -> histogram_bucket(ms), groupArray(its_duration_ms)))) + 1))
    ) AS duration_ms_histogram,
    arraySum(groupArray(ifNull(its_request_bytes, 0))) AS request_bytes_sum,
    arraySum(groupArray(ifNull(its_response_bytes, 0))) AS response_bytes_sum
FROM
    (
        SELECT
            org_id,
            argMin(tuple(occurred_at), (received_at, ingested_at, batch_id)).1 AS its_occurred_at,
            argMin(tuple(method), (received_at, ingested_at, batch_id)).1 AS its_method,
            argMin(tuple(route), (received_at, ingested_at, batch_id)).1 AS its_route,
            argMin(tuple(status_code), (received_at, ingested_at, batch_id)).1 AS its_status_code,
            argMin(tuple(duration_ms), (received_at, ingested_at, batch_id)).1 AS its_duration_ms,
            argMin(tuple(request_bytes), (received_at, ingested_at, batch_id)).1 AS its_request_bytes,
            argMin(tuple(response_bytes), (received_at, ingested_at, batch_id)).1 AS its_response_bytes
        FROM api_metrics
        WHERE occurred_at >= {since:DateTime64(3, 'UTC')} AND occurred_at < {until:DateTime64(3, 'UTC')}
            AND occurred_at >= telemetry_now() - toIntervalYear(1)
        GROUP BY org_id, event_id
    )
GROUP BY org_id, hour, method, route;
