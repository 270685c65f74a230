-- How often and how long playback stalls, by device, over a whole period. Startup and seeking are no stalls.
SELECT
    value AS device_type,
    stalls,
    mean_stall_ms,
    p50_stall_ms,
    p95_stall_ms
FROM stalls_between(since = {since:Date}, until = {until:Date})
WHERE org_id = {org:String} AND dimension = 'device_type' AND cause = 'rebuffer'
ORDER BY stalls DESC, device_type;
