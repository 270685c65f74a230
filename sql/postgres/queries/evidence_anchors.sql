-- All anchors in the order of the trail.
SELECT partition_name, begins, ends, first_seq, last_seq, rows, prev_hash, last_hash, anchored_at, key_id,
    encode(signature, 'hex') AS signature
FROM audit.anchors
ORDER BY first_seq;
