-- Erasures and their certificates. No id of a person is here, raw or hashed: the tombstone has those, for as long as it
-- lives, and a random reference leads from one to the other.
CREATE TABLE privacy.erasures (
    erasure_id   uuid        PRIMARY KEY,
    org_id       text        NOT NULL,
    --   requested     the tombstone stands, the sweep has not begun
    --   held          refused: the person is under a legal hold; tried again on release
    --   erasing       the sweep runs
    --   erased        no row is left; old parts of tables still wait to be removed
    --   certified     nothing is left
    --   failed        survivors, or it could not be counted; tried again
    status       text        NOT NULL CHECK (status IN ('requested', 'held', 'erasing', 'erased', 'certified', 'failed')),
    requested_at timestamptz NOT NULL,
    -- What was received or began by then is erased; of a held one, the moment of the request until it is released.
    erased_at    timestamptz NOT NULL,
    began_at     timestamptz,
    -- The latest try, so that one that waits is not asked for at every look.
    tried_at     timestamptz,
    attempts     integer     NOT NULL DEFAULT 0,
    -- Why the latest try came to no end: a name of ours, never a value.
    waits_for    text        NOT NULL DEFAULT '',
    certified_at timestamptz,
    -- Counts by table, what is kept and why, epochs reached and out of reach, when backups are clear.
    certificate  jsonb,
    CHECK ((status = 'certified') = (certified_at IS NOT NULL)),
    CHECK (status NOT IN ('erased', 'certified') OR certificate IS NOT NULL)
);
CREATE INDEX erasures_open ON privacy.erasures (requested_at) WHERE status <> 'certified';
COMMENT ON TABLE privacy.erasures IS 'Erasures and their certificates: counts, epochs and dates, never whose.';

-- Retention's role removes what has expired and nothing else.
CREATE TRIGGER expired_only BEFORE DELETE ON privacy.erasures
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_early_removal();
ALTER TABLE privacy.erasures ENABLE ALWAYS TRIGGER expired_only;
