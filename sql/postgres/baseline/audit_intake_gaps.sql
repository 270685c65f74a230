-- Runs of numbers that did not come when a higher one did: one row for each, for as long as the trail. `missing` is what
-- is still missing of it. A gap closes itself when all of it has come late; one that stays is explained by somebody, or a
-- check stays red. `place` is the kind of event for a service, the stream for an API process.
CREATE TABLE audit.intake_gaps (
    gap_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin        text           NOT NULL CHECK (origin IN ('service', 'api')),
    place         text           NOT NULL,
    producer      text           NOT NULL,
    first_missing bigint         NOT NULL,
    last_missing  bigint         NOT NULL,
    missing       int8multirange NOT NULL,
    noticed_at    timestamptz    NOT NULL,
    closed_at     timestamptz,
    explained_at  timestamptz,
    explained_by  text,
    explanation   text,
    CHECK (first_missing <= last_missing),
    CHECK ((closed_at IS NULL) <> isempty(missing)),
    CHECK (num_nulls(explained_at, explained_by, explanation) IN (0, 3))
);
CREATE INDEX intake_gaps_open ON audit.intake_gaps (origin, place, producer) WHERE closed_at IS NULL;
COMMENT ON TABLE audit.intake_gaps IS 'Numbered audit and security entries that did not arrive, and what became of each gap.';

CREATE TRIGGER keep_evidence BEFORE UPDATE OR DELETE ON audit.intake_gaps
    FOR EACH ROW EXECUTE FUNCTION audit.intake_keep_evidence();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON audit.intake_gaps
    FOR EACH STATEMENT EXECUTE FUNCTION audit.intake_keep_evidence();
ALTER TABLE audit.intake_gaps ENABLE ALWAYS TRIGGER keep_evidence;
ALTER TABLE audit.intake_gaps ENABLE ALWAYS TRIGGER keep_all;
