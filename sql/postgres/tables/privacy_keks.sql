-- Names of the key-encryption keys (KEK) that pseudonym keys were ever wrapped under. The KEKs themselves are never here.
-- A retired one still opens older dumps, until somebody states that it is destroyed wherever it was kept.
CREATE TABLE privacy.keks (
    kek_id        text        PRIMARY KEY CHECK (kek_id ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
    -- One-way: tells a KEK from another one under its name, and one that comes back under another name.
    check_value   bytea       NOT NULL UNIQUE CHECK (octet_length(check_value) = 16),
    first_used_at timestamptz NOT NULL,
    retired_at    timestamptz,
    destroyed_at  timestamptz,
    destroyed_by  text        CHECK (destroyed_by <> ''),
    CONSTRAINT kek_in_use_is_not_destroyed CHECK (destroyed_at IS NULL OR retired_at IS NOT NULL),
    CONSTRAINT somebody_states_the_end CHECK ((destroyed_at IS NULL) = (destroyed_by IS NULL))
);

-- Keys under two of them at once would make "destroy the old one" mean nothing.
CREATE UNIQUE INDEX one_kek_in_use ON privacy.keks ((true)) WHERE retired_at IS NULL;

COMMENT ON TABLE privacy.keks IS 'Names and ends of the key-encryption keys; never the keys themselves.';
COMMENT ON COLUMN privacy.keks.kek_id IS 'name of the key-encryption key';
COMMENT ON COLUMN privacy.keks.check_value IS 'first 16 bytes of an HMAC-SHA-256 under it: says which one it was and nothing about it';
COMMENT ON COLUMN privacy.keks.first_used_at IS 'when a key was first wrapped under it';
COMMENT ON COLUMN privacy.keks.retired_at IS 'when the surviving keys were wrapped under another one; NULL while it is in use';
COMMENT ON COLUMN privacy.keks.destroyed_at IS 'when somebody stated that it is destroyed wherever it was kept';
COMMENT ON COLUMN privacy.keks.destroyed_by IS 'the account that stated it';
