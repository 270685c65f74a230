-- The next security events behind a place, in the order in which they were recorded. A filter that is NULL does not matter.
SELECT
    s.event_id, s.occurred_at, s.recorded_at, s.org_id, s.type, s.severity, s.rule_id, s.method, s.path, s.details,
    s.actor_hash, s.key_epoch, s.ip_truncated, s.address_hash, s.address_key_epoch, s.country_code, s.user_agent_family
FROM security.security_events AS s
WHERE (%(org_id)s::text IS NULL OR s.org_id = %(org_id)s::text)
    AND s.recorded_at >= greatest(%(visible_from)s::timestamptz, %(behind_recorded_at)s::timestamptz)
    AND (s.recorded_at, s.org_id, s.event_id)
        > (%(behind_recorded_at)s::timestamptz, %(behind_org_id)s::text, %(behind_event_id)s::uuid)
    AND (%(occurred_from)s::timestamptz IS NULL OR (
        s.occurred_at >= %(occurred_from)s::timestamptz
        AND s.recorded_at >= %(occurred_from)s::timestamptz - interval '1 day'
    ))
    AND (%(occurred_to)s::timestamptz IS NULL OR s.occurred_at < %(occurred_to)s::timestamptz)
    AND (%(type)s::text IS NULL OR s.type = %(type)s::text)
    AND (%(severity)s::text IS NULL OR s.severity = %(severity)s::text)
    AND (%(rule_id)s::text IS NULL OR s.rule_id = %(rule_id)s::text)
ORDER BY s.recorded_at, s.org_id, s.event_id
LIMIT %(rows)s::bigint;
