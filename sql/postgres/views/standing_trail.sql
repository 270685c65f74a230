-- The end of the trail against what verifications have looked at. The newest of each mode says how it stands.
CREATE OR REPLACE VIEW standing.trail AS
SELECT
    h.seq AS rows, nullif(h.recorded_at, '-infinity') AS recorded_at,
    h.seq - coalesce((SELECT max(v.to_seq) FROM audit.verifications AS v WHERE v.ok), 0) AS unverified_rows,
    (SELECT max(v.verified_at) FROM audit.verifications AS v WHERE v.ok AND v.mode = 'full') AS full_at,
    (SELECT max(v.verified_at) FROM audit.verifications AS v WHERE v.ok) AS verified_at,
    (SELECT v.ok FROM audit.verifications AS v ORDER BY v.verification_id DESC LIMIT 1) AS ok
FROM audit.head AS h;

COMMENT ON VIEW standing.trail IS 'How the audit trail stands: its length, its newest row, and how much of it is not verified yet.';
