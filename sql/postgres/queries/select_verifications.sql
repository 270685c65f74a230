-- What says how the trail stands: the newest verification of each mode, the newest full one that found it whole, and the
-- newest that did not.
SELECT
    v.mode, v.verified_at, v.from_seq, v.to_seq, v.rows, v.anchors, v.checkpoints, v.newest_checkpoint, v.ok,
    v.first_bad_seq, v.reason, v.verification_id
FROM audit.verifications AS v
WHERE v.verification_id IN (
    SELECT max(n.verification_id) FROM audit.verifications AS n GROUP BY n.mode
    UNION ALL SELECT max(n.verification_id) FROM audit.verifications AS n WHERE n.ok AND n.mode = 'full'
    UNION ALL SELECT max(n.verification_id) FROM audit.verifications AS n WHERE NOT n.ok
)
ORDER BY v.verification_id;
