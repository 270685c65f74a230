-- The first and the last row of the trail from a moment on and up to a place; no row when there is none.
SELECT f.seq AS first_seq, f.prev_hash AS first_prev_hash, t.seq AS last_seq, t.row_hash AS last_hash,
    t.recorded_at AS last_recorded_at
FROM
    (SELECT l.seq, l.prev_hash FROM audit.audit_logs AS l
    WHERE l.recorded_at >= %(begins)s::timestamptz AND l.seq <= %(until_seq)s::bigint
    ORDER BY l.recorded_at, l.seq LIMIT 1) AS f,
    (SELECT l.seq, l.row_hash, l.recorded_at FROM audit.audit_logs AS l
    WHERE l.recorded_at >= %(begins)s::timestamptz AND l.recorded_at <= %(until)s::timestamptz
        AND l.seq <= %(until_seq)s::bigint
    ORDER BY l.recorded_at DESC, l.seq DESC LIMIT 1) AS t;
