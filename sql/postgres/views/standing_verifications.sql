-- Verifications of the trail without the words of what they found: those are for people with a reason to read them.
CREATE OR REPLACE VIEW standing.verifications AS
SELECT v.verified_at, v.mode, v.from_seq, v.to_seq, v.rows, v.anchors, v.checkpoints, v.ok, v.first_bad_seq
FROM audit.verifications AS v;

COMMENT ON VIEW standing.verifications IS 'Every verification of the audit trail and whether the trail was whole.';
