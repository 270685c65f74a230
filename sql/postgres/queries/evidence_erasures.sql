-- Erasures that were asked for, certified or open in a period, or that its trail says were certified, each with the place
-- of the row that says so. An erasure is certified and said to be in one transaction, by two clocks.
WITH said AS MATERIALIZED (
    SELECT l.seq, l.recorded_at, d.body ->> 'erasure_id' AS erasure_id
    FROM audit.audit_logs AS l
    JOIN audit.details AS d ON d.seq = l.seq
    WHERE l.action = 'erasure.certified'
        AND l.recorded_at >= %(begins)s::timestamptz - interval '1 day'
        AND l.recorded_at < %(ends)s::timestamptz + interval '1 day'
)
SELECT e.erasure_id, e.org_id, e.status, e.requested_at, e.erased_at, e.began_at, e.attempts, e.waits_for, e.certified_at,
    e.certificate, coalesce(
        (SELECT min(s.seq) FROM said AS s WHERE s.erasure_id = e.erasure_id::text),
        -- Asked for in the period and certified later.
        (SELECT min(l.seq) FROM audit.audit_logs AS l JOIN audit.details AS d ON d.seq = l.seq
        WHERE l.action = 'erasure.certified' AND d.body ->> 'erasure_id' = e.erasure_id::text
            AND l.recorded_at >= e.certified_at - interval '1 day' AND l.recorded_at < e.certified_at + interval '1 day')
    ) AS trail_seq
FROM privacy.erasures AS e
WHERE (e.requested_at >= %(begins)s::timestamptz AND e.requested_at < %(ends)s::timestamptz)
    OR (e.certified_at >= %(begins)s::timestamptz AND e.certified_at < %(ends)s::timestamptz)
    OR (e.status <> 'certified' AND e.requested_at < %(ends)s::timestamptz)
    OR e.erasure_id::text IN (
        SELECT s.erasure_id FROM said AS s
        WHERE s.recorded_at >= %(begins)s::timestamptz AND s.recorded_at < %(ends)s::timestamptz
    )
ORDER BY e.requested_at, e.erasure_id;
