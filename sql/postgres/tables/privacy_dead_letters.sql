-- Entries that the drain put aside: one row each, with the reason, scrubbed, replayable, kept for 30 days. Whoever they
-- are about is found by actor_hash, like any other row.
CREATE TABLE privacy.dead_letters (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text        NOT NULL,
    stream        text        NOT NULL,
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
    attempts      integer     NOT NULL,
    -- As it came, byte for byte but scrubbed of personal data: text, since an unreadable body is no JSON.
    body          text        NOT NULL,
    created_at    timestamptz NOT NULL,
    replayed_at   timestamptz,
    UNIQUE (stream, entry_id)
);
CREATE INDEX dead_letters_actor ON privacy.dead_letters (actor_hash);
CREATE INDEX dead_letters_created ON privacy.dead_letters (created_at);
COMMENT ON TABLE privacy.dead_letters IS 'Entries that the drain put aside: scrubbed, replayable, kept for 30 days.';
