-- Verifications of the trail that were made in a period, the oldest first.
SELECT verified_at, mode, from_seq, to_seq, rows, anchors, checkpoints, newest_checkpoint, resumptions, ok, first_bad_seq,
    reason
FROM audit.verifications
WHERE verified_at >= %(begins)s::timestamptz AND verified_at < %(ends)s::timestamptz
ORDER BY verification_id;
