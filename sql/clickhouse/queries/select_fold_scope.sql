-- What the stored rows of some sessions say about folding them again: the earliest event of all, and the sessions (their
-- keys, see tenant_keys) that are settled because they began before `settled_before` (the event log may have lost events
-- of theirs, so that folding them again would shrink them).
SELECT
    minOrNullIf(first_at, first_at >= {settled_before:DateTime64(3, 'UTC')}) AS earliest,
    groupArrayIf(concat(toString(session_id), hex(org_id)), first_at < {settled_before:DateTime64(3, 'UTC')}) AS settled
FROM
(
    SELECT
        session_id,
        org_id,
        min(occurred_at) AS first_at
    FROM media_sessions
    WHERE (session_id, org_id) IN (SELECT id, org_id FROM tenant_keys(keys = {sessions:Text}))
    GROUP BY session_id, org_id
);
