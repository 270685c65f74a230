-- Errors of a tenant over a stretch of whole hours, by source and fingerprint, with their first and last sight.
SELECT
    v.source AS source,
    v.fingerprint AS fingerprint,
    min(v.error_code) AS error_code,
    sum(v.errors) AS errors,
    sum(v.fatal) AS fatal,
    sum(v.status_4xx) AS status_4xx,
    sum(v.status_5xx) AS status_5xx,
    min(v.first_seen) AS first_seen,
    max(v.last_seen) AS last_seen,
    groupUniqArrayArray(v.few_actors) AS marks
FROM errors_hourly AS v
WHERE v.org_id = {org:String}
    AND ({source:String} = '' OR v.source = {source:String})
    AND v.hour >= {since:DateTime64(3, 'UTC')}
    AND v.hour < {until:DateTime64(3, 'UTC')}
    AND toDate(v.hour) > toDate(telemetry_now() - toIntervalYear(1))
GROUP BY source, fingerprint
ORDER BY errors DESC, source, fingerprint
LIMIT {most:UInt32};
