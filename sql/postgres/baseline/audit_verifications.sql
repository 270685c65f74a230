-- Every verification of the trail and how it ended; a verification never trusts what stands here, only checkpoints.
CREATE TABLE audit.verifications (
    verification_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    verified_at timestamptz NOT NULL,
    mode text NOT NULL CHECK (mode IN ('incremental', 'full', 'since')),
    from_seq bigint NOT NULL,
    to_seq bigint NOT NULL,
    rows bigint NOT NULL,
    anchors bigint NOT NULL,
    checkpoints bigint NOT NULL,
    newest_checkpoint bigint,
    resumptions bigint NOT NULL,
    ok boolean NOT NULL,
    first_bad_seq bigint,
    reason text CHECK (ok = (reason IS NULL))
);
CREATE INDEX verifications_by_time ON audit.verifications (verified_at);

COMMENT ON TABLE audit.verifications IS 'Every verification of the audit trail and its result.';
COMMENT ON COLUMN audit.verifications.verification_id IS 'number of the verification';
COMMENT ON COLUMN audit.verifications.verified_at IS 'when it ended';
COMMENT ON COLUMN audit.verifications.mode IS 'full, incremental (from the last checkpoint before what was verified) or since';
COMMENT ON COLUMN audit.verifications.from_seq IS 'first place that was looked at';
COMMENT ON COLUMN audit.verifications.to_seq IS 'last place that was looked at';
COMMENT ON COLUMN audit.verifications.rows IS 'rows whose hash was computed anew';
COMMENT ON COLUMN audit.verifications.anchors IS 'dropped partitions that were walked over';
COMMENT ON COLUMN audit.verifications.checkpoints IS 'checkpoints that were compared';
COMMENT ON COLUMN audit.verifications.newest_checkpoint IS 'number of the newest checkpoint that was seen';
COMMENT ON COLUMN audit.verifications.resumptions IS 'restores that were stated: after each, rows that had been seen are lost';
COMMENT ON COLUMN audit.verifications.ok IS 'whether the trail was whole';
COMMENT ON COLUMN audit.verifications.first_bad_seq IS 'first place that is not as it was written';
COMMENT ON COLUMN audit.verifications.reason IS 'what is wrong there';

-- Retention's role removes what has expired and nothing else.
CREATE TRIGGER expired_only BEFORE DELETE ON audit.verifications
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_early_removal();
ALTER TABLE audit.verifications ENABLE ALWAYS TRIGGER expired_only;
