-- Persons whose data must not be erased or expire while a dispute lasts, by subject hash. A row is written once, released
-- once, and may go when its retention has passed after that; nothing else can be done to it, by anybody.
CREATE TABLE privacy.legal_holds (
    hold_id      uuid        PRIMARY KEY,
    org_id       text        NOT NULL,
    subject_hash text        NOT NULL CHECK (subject_hash ~ '^[0-9a-f]{64}$'),
    placed_at    timestamptz NOT NULL,
    released_at  timestamptz CHECK (released_at >= placed_at),
    why          text        NOT NULL CHECK (why <> ''),
    released_why text        CHECK (released_why <> ''),
    CHECK (released_why IS NULL OR released_at IS NOT NULL)
);
CREATE INDEX legal_holds_in_force ON privacy.legal_holds (org_id, subject_hash) WHERE released_at IS NULL;
COMMENT ON TABLE privacy.legal_holds IS 'Persons whose data must not be erased or expire while a dispute lasts.';

-- ALWAYS, because an ordinary trigger does not fire while session_replication_role is `replica`.
CREATE TRIGGER released_once BEFORE UPDATE OR DELETE ON privacy.legal_holds
    FOR EACH ROW EXECUTE FUNCTION privacy.refuse_change_of_hold();
CREATE TRIGGER not_emptied BEFORE TRUNCATE ON privacy.legal_holds
    FOR EACH STATEMENT EXECUTE FUNCTION privacy.refuse_change_of_hold();
ALTER TABLE privacy.legal_holds ENABLE ALWAYS TRIGGER released_once;
ALTER TABLE privacy.legal_holds ENABLE ALWAYS TRIGGER not_emptied;

-- Here, since tables are made in the order of their names.
ALTER TABLE privacy.hold_actors ADD FOREIGN KEY (hold_id) REFERENCES privacy.legal_holds (hold_id);
