-- Entries that the drain put aside: one row each, with the reason, scrubbed, replayable, kept for 30 days. Whoever they
-- are about is found by actor_hash, like any other row.
--   waiting   replayed_at and dropped_at are NULL: somebody has to look
--   replayed  queued again; when it fails again, this row waits again, with more attempts
--   dropped   given up by somebody, for a reason: body and pseudonym are gone, the rest stays for its 30 days
CREATE TABLE privacy.dead_letters (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text        NOT NULL,
    stream        text        NOT NULL,
    -- Of the entry that failed last: a replayed one has another id.
    entry_id      text        NOT NULL,
    batch_id      text        NOT NULL,
    event_id      text        NOT NULL,
    received_at   timestamptz NOT NULL,
    org_id        text        NOT NULL,
    actor_hash    text        NOT NULL,
    key_epoch     bigint      NOT NULL,
    consent_level smallint    NOT NULL,
    reason        text        NOT NULL,
    -- Names of fields or an error's class; never a value.
    detail        text        NOT NULL DEFAULT '',
    -- Of all its entries together.
    attempts      integer     NOT NULL,
    -- As it came, byte for byte but scrubbed of personal data: text, since an unreadable body is no JSON.
    body          text        NOT NULL,
    -- The 30 days count from here, whatever is tried with it.
    created_at    timestamptz NOT NULL,
    failed_at     timestamptz NOT NULL,
    replayed_at   timestamptz,
    dropped_at    timestamptz,
    dropped_by    text,
    dropped_why   text,
    UNIQUE (stream, entry_id),
    CHECK (dropped_at IS NULL OR (body = '' AND actor_hash = '' AND dropped_by <> '' AND dropped_why <> ''))
);
CREATE INDEX dead_letters_actor ON privacy.dead_letters (actor_hash);
CREATE INDEX dead_letters_created ON privacy.dead_letters (created_at);
CREATE INDEX dead_letters_failed ON privacy.dead_letters (failed_at);
CREATE INDEX dead_letters_waiting ON privacy.dead_letters (id) WHERE replayed_at IS NULL AND dropped_at IS NULL;
COMMENT ON TABLE privacy.dead_letters IS 'Entries that the drain put aside: scrubbed, replayable, kept for 30 days.';

-- Retention's role removes what has expired and nothing else.
CREATE TRIGGER expired_only BEFORE DELETE ON privacy.dead_letters
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_early_removal();
ALTER TABLE privacy.dead_letters ENABLE ALWAYS TRIGGER expired_only;
