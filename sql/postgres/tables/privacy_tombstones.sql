-- The pseudonyms of an erased person, one row for each epoch whose key exists: what was received or began by `erased_at`
-- is dropped by API, drain and replay, also when a backup brings it back. Gone after `until`.
CREATE TABLE privacy.tombstones (
    erasure_id   uuid        NOT NULL REFERENCES privacy.erasures (erasure_id),
    org_id       text        NOT NULL,
    subject_hash text        NOT NULL CHECK (subject_hash ~ '^[0-9a-f]{64}$'),
    epoch        integer     NOT NULL,
    actor_hash   text        NOT NULL CHECK (actor_hash ~ '^[0-9a-f]{64}$'),
    erased_at    timestamptz NOT NULL,
    until        timestamptz NOT NULL CHECK (until > erased_at),
    PRIMARY KEY (erasure_id, epoch)
);
CREATE INDEX tombstones_actor ON privacy.tombstones (org_id, actor_hash);
CREATE INDEX tombstones_until ON privacy.tombstones (until);
COMMENT ON TABLE privacy.tombstones IS 'Pseudonyms of an erased person: what arrives late under one of them is dropped.';

-- Retention's role removes what has expired and nothing else.
CREATE TRIGGER expired_only BEFORE DELETE ON privacy.tombstones
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_early_removal();
ALTER TABLE privacy.tombstones ENABLE ALWAYS TRIGGER expired_only;
