-- Persons whose data must not be erased or expire while a dispute lasts, by subject hash.
CREATE TABLE privacy.legal_holds (
    hold_id      uuid        PRIMARY KEY,
    org_id       text        NOT NULL,
    subject_hash text        NOT NULL CHECK (subject_hash ~ '^[0-9a-f]{64}$'),
    placed_at    timestamptz NOT NULL,
    released_at  timestamptz CHECK (released_at >= placed_at),
    why          text        NOT NULL CHECK (why <> '')
);
CREATE INDEX legal_holds_in_force ON privacy.legal_holds (org_id, subject_hash) WHERE released_at IS NULL;
COMMENT ON TABLE privacy.legal_holds IS 'Persons whose data must not be erased or expire while a dispute lasts.';
