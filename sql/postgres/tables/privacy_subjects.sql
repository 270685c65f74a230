-- What is remembered of a person as a person, by tenant and subject hash: a pseudonym that stands in no event row, queue
-- entry or dead letter, so that this table and those cannot be joined.
--   level, decided_at      the newest decision that the person recorded; NULL before the first
--   purposes, purposes_at  what they agreed to by name when they last spoke of it; NULL when they never did: a decision that
--                          does not speak of purposes leaves them as they were
--   opted_out_at           a privacy signal (Sec-GPC) first came with their token: sale stays refused until they decide on
--                          full consent after it; the moment stays, so that the signal of every request is not a new one
--   erased_at              they were erased: what was received or began by then is dropped
--   held_at                a legal hold on them is in force; NULL again after the release of the last one, also where the
--                          row says nothing else: copies of it must learn that
CREATE TABLE privacy.subjects (
    org_id       text        NOT NULL,
    subject_hash text        NOT NULL CHECK (subject_hash ~ '^[0-9a-f]{64}$'),
    level        smallint    CHECK (level BETWEEN 1 AND 3),
    purposes     text[],
    decided_at   timestamptz,
    purposes_at  timestamptz,
    opted_out_at timestamptz,
    erased_at    timestamptz,
    held_at      timestamptz,
    changed_at   timestamptz NOT NULL,
    last_used_on date        NOT NULL,
    PRIMARY KEY (org_id, subject_hash),
    CHECK ((level IS NULL) = (decided_at IS NULL)),
    CHECK ((purposes IS NULL) = (purposes_at IS NULL))
);
CREATE INDEX subjects_last_used ON privacy.subjects (last_used_on);
CREATE INDEX subjects_changed ON privacy.subjects (changed_at);
COMMENT ON TABLE privacy.subjects IS 'The consent that a person recorded, their opt-out of sale, when they were erased, and whether they are held: one row each.';
COMMENT ON COLUMN privacy.subjects.subject_hash IS 'pseudonym of the person under the one subject key';
COMMENT ON COLUMN privacy.subjects.level IS 'the level that the newest decision allows; NULL without one';
COMMENT ON COLUMN privacy.subjects.purposes IS 'what the person agreed to by name when they last spoke of it, e.g. pose; NULL when they never did';
COMMENT ON COLUMN privacy.subjects.decided_at IS 'when the person decided; never in the future, and the newest counts';
COMMENT ON COLUMN privacy.subjects.purposes_at IS 'when they last spoke of purposes';
COMMENT ON COLUMN privacy.subjects.opted_out_at IS 'when a privacy signal was first seen; a decision on level 3 after it lifts it';
COMMENT ON COLUMN privacy.subjects.erased_at IS 'the tombstone''s moment';
COMMENT ON COLUMN privacy.subjects.held_at IS 'since when a legal hold is in force; NULL without one';
COMMENT ON COLUMN privacy.subjects.changed_at IS 'when this row last changed';
COMMENT ON COLUMN privacy.subjects.last_used_on IS 'last day on which the row was used; retention counts from here';

-- Retention's role removes what has expired and nothing else.
CREATE TRIGGER expired_only BEFORE DELETE ON privacy.subjects
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_early_removal();
ALTER TABLE privacy.subjects ENABLE ALWAYS TRIGGER expired_only;
