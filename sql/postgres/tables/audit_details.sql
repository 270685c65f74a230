-- Beside the row, so that a body which should never have been there can be blanked while the row's hash still holds:
-- the row covers the digest of nonce and body, not the body.
CREATE TABLE audit.details (
    seq bigint PRIMARY KEY,
    nonce bytea NOT NULL CHECK (octet_length(nonce) = 32),
    body jsonb
);

SELECT audit.make_append_only('audit.details');
-- What a redaction changes is looked at row by row: the body goes, and nothing else.
CREATE TRIGGER append_only_rows BEFORE UPDATE ON audit.details FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE audit.details ENABLE ALWAYS TRIGGER append_only_rows;

COMMENT ON TABLE audit.details IS 'What an action''s row has no column for: a closed set of keys for each action.';
COMMENT ON COLUMN audit.details.seq IS 'the row it belongs to';
COMMENT ON COLUMN audit.details.nonce IS 'random: nobody can guess a short body from its digest';
COMMENT ON COLUMN audit.details.body IS 'the details; NULL once redacted';
