-- Rows of the trail in their order, from a moment on and up to a place; of some actions, where those are given.
SELECT
    l.seq, l.event_id, l.occurred_at, l.recorded_at, l.actor_hash, l.key_epoch, l.actor_type, l.org_id, l.action,
    l.resource_type, l.resource_id_hash, l.method, l.path, l.status_code, l.outcome, l.ip_truncated, l.country_code,
    l.region, l.device_type, l.details_hash, l.prev_hash, l.row_hash,
    encode(d.nonce, 'hex') AS details_nonce, d.body::text AS details
FROM audit.audit_logs AS l
LEFT JOIN audit.details AS d ON d.seq = l.seq
WHERE l.recorded_at >= %(begins)s::timestamptz
    AND l.recorded_at <= %(until)s::timestamptz
    AND l.seq <= %(until_seq)s::bigint
    AND (%(actions)s::text[] IS NULL OR l.action = ANY (%(actions)s::text[]))
ORDER BY l.recorded_at, l.seq;
