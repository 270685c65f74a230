-- Errors by fingerprint, the most frequent first, over a whole period.
SELECT
    source,
    fingerprint,
    error_code,
    errors,
    fatal_share,
    status_4xx_share,
    status_5xx_share
FROM errors_between(since = {since:Date}, until = {until:Date})
WHERE org_id = {org:String}
ORDER BY errors DESC, source, fingerprint;
