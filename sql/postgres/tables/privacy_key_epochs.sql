-- Pseudonym keys, wrapped under a key-encryption key that is never in this database: a dump of it reveals nothing.
-- The bytes may become NULL (a destroyed key); the row stays, so that the epoch's number is never used again.
--
-- Rows are made and changed by `privacy.add_key_epoch`, `privacy.rewrap_keys` and `privacy.remove_key_bytes` alone: they
-- see to it that at every moment exactly one epoch of a domain is active, and that no key goes that is still needed.
CREATE TABLE privacy.key_epochs (
    domain text NOT NULL CHECK (domain IN ('actor', 'audit_actor', 'subject', 'media', 'resource', 'address')),
    epoch integer NOT NULL CHECK (epoch >= 1),
    wrapped bytea CHECK (octet_length(wrapped) = 48),
    nonce bytea CHECK (octet_length(nonce) = 12),
    kek_id text NOT NULL,
    active_from timestamptz NOT NULL,
    active_until timestamptz,
    created_at timestamptz NOT NULL,
    kek_ids text[] NOT NULL DEFAULT '{}',
    destruction_begun_at timestamptz,
    destroyed_at timestamptz,
    PRIMARY KEY (domain, epoch),
    CONSTRAINT key_is_whole_or_destroyed CHECK (
        (wrapped IS NULL) = (nonce IS NULL) AND (wrapped IS NULL) = (destroyed_at IS NOT NULL)
    ),
    CONSTRAINT bytes_go_after_destruction_has_begun CHECK (destroyed_at IS NULL OR destruction_begun_at IS NOT NULL),
    CONSTRAINT epoch_in_use_is_not_destroyed CHECK (destruction_begun_at IS NULL OR active_until IS NOT NULL),
    CONSTRAINT epoch_ends_after_it_begins CHECK (active_until > active_from)
);

-- Two open epochs of a domain would give one person two pseudonyms at the same time.
CREATE UNIQUE INDEX one_open_epoch_a_domain ON privacy.key_epochs (domain) WHERE active_until IS NULL;

COMMENT ON TABLE privacy.key_epochs IS 'Keys of the pseudonyms, by domain and epoch, wrapped with AES-GCM.';
COMMENT ON COLUMN privacy.key_epochs.domain IS 'what is hashed under the key; pseudonyms of different domains never match';
COMMENT ON COLUMN privacy.key_epochs.epoch IS 'number of the key within its domain; rows with a pseudonym carry it';
COMMENT ON COLUMN privacy.key_epochs.wrapped IS '32 key bytes and 16 of the tag; NULL once destroyed';
COMMENT ON COLUMN privacy.key_epochs.nonce IS 'nonce of the wrapping; NULL once destroyed';
COMMENT ON COLUMN privacy.key_epochs.kek_id IS 'name of the key-encryption key that the bytes are (or last were) wrapped under';
COMMENT ON COLUMN privacy.key_epochs.active_from IS 'first moment at which new pseudonyms use it';
COMMENT ON COLUMN privacy.key_epochs.active_until IS 'first moment at which they do not any more; NULL while it is open';
COMMENT ON COLUMN privacy.key_epochs.created_at IS 'when the key was made';
COMMENT ON COLUMN privacy.key_epochs.kek_ids IS 'every key-encryption key that ever wrapped it: copies of this table may hold the bytes under each of them';
COMMENT ON COLUMN privacy.key_epochs.destruction_begun_at IS 'step 1 of 3: the other keys were wrapped under a new key-encryption key and this one was not';
COMMENT ON COLUMN privacy.key_epochs.destroyed_at IS 'step 2 of 3: its bytes were removed; step 3 is the end of every key-encryption key in kek_ids';
