-- The next rows of the trail behind a place, in its order. A filter that is NULL does not matter; each execution is planned
-- with its own values, so that those which do not matter cost nothing.
-- What happened from a moment on was recorded from then on, too; a day is more than two servers' clocks are apart.
SELECT
    l.seq, l.event_id, l.occurred_at, l.recorded_at, l.actor_hash, l.key_epoch, l.actor_type, l.org_id, l.action,
    l.resource_type, l.resource_id_hash, l.method, l.path, l.status_code, l.outcome, l.ip_truncated, l.country_code,
    l.region, l.device_type, l.details_hash, l.prev_hash, l.row_hash, d.body AS details
FROM audit.audit_logs AS l
LEFT JOIN audit.details AS d ON d.seq = l.seq
WHERE (%(org_id)s::text IS NULL OR l.org_id = %(org_id)s::text)
    AND l.recorded_at >= greatest(%(visible_from)s::timestamptz, %(behind_recorded_at)s::timestamptz)
    AND (l.recorded_at, l.seq) > (%(behind_recorded_at)s::timestamptz, %(behind)s::bigint)
    AND l.seq <= %(until_seq)s::bigint
    AND (%(occurred_from)s::timestamptz IS NULL OR (
        l.occurred_at >= %(occurred_from)s::timestamptz
        AND l.recorded_at >= %(occurred_from)s::timestamptz - interval '1 day'
    ))
    AND (%(occurred_to)s::timestamptz IS NULL OR l.occurred_at < %(occurred_to)s::timestamptz)
    AND (%(recorded_from)s::timestamptz IS NULL OR l.recorded_at >= %(recorded_from)s::timestamptz)
    AND (%(recorded_to)s::timestamptz IS NULL OR l.recorded_at < %(recorded_to)s::timestamptz)
    AND (%(action)s::text IS NULL OR l.action = %(action)s::text)
    AND (%(outcome)s::text IS NULL OR l.outcome = %(outcome)s::text)
    AND (%(resource_type)s::text IS NULL OR l.resource_type = %(resource_type)s::text)
    AND (%(actor_type)s::text IS NULL OR l.actor_type = %(actor_type)s::text)
    AND (%(actor_hash)s::text IS NULL OR l.actor_hash = %(actor_hash)s::text)
    AND (%(resource_id_hash)s::text IS NULL OR l.resource_id_hash = %(resource_id_hash)s::text)
    AND (%(persons)s::text[] IS NULL
        OR l.actor_hash = ANY (%(persons)s::text[]) OR l.resource_id_hash = ANY (%(persons)s::text[]))
ORDER BY l.recorded_at, l.seq
LIMIT %(rows)s::bigint;
