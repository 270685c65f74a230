-- Networks whose owners said "do not sell" (CCPA), as MaxMind lists them, and when each came and went: one row for each
-- time that a network was on the list. A row without `withdrawn_at` is in force.
CREATE TABLE privacy.privacy_exclusions (
    exclusion_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exclusion_type text        NOT NULL CHECK (exclusion_type = 'ccpa_do_not_sell'),
    network        cidr        NOT NULL,
    last_updated   timestamptz,
    listed_at      timestamptz NOT NULL,
    listed_by      bigint      NOT NULL,
    withdrawn_at   timestamptz,
    withdrawn_by   bigint,
    -- Whatever a list says, no row shuts out a large part of the internet.
    CONSTRAINT network_is_narrow CHECK (masklen(network) >= CASE family(network) WHEN 4 THEN 8 ELSE 16 END),
    CONSTRAINT withdrawal_is_whole CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL)),
    CONSTRAINT withdrawn_after_listed CHECK (withdrawn_at >= listed_at)
);
CREATE UNIQUE INDEX exclusions_in_force ON privacy.privacy_exclusions (exclusion_type, network) WHERE withdrawn_at IS NULL;
CREATE INDEX exclusions_withdrawn ON privacy.privacy_exclusions (withdrawn_at) WHERE withdrawn_at IS NOT NULL;
COMMENT ON TABLE privacy.privacy_exclusions IS 'Networks whose owners said "do not sell" (CCPA), in force and withdrawn.';
COMMENT ON COLUMN privacy.privacy_exclusions.exclusion_type IS 'the law that the exclusion is made under';
COMMENT ON COLUMN privacy.privacy_exclusions.network IS 'the network, without bits behind the prefix; IPv4 also where the list wrote it as IPv6';
COMMENT ON COLUMN privacy.privacy_exclusions.last_updated IS 'when the list says that the entry was published; NULL when it could not be read';
COMMENT ON COLUMN privacy.privacy_exclusions.listed_at IS 'when a sync brought it';
COMMENT ON COLUMN privacy.privacy_exclusions.listed_by IS 'number of that sync';
COMMENT ON COLUMN privacy.privacy_exclusions.withdrawn_at IS 'when a full sync did not bring it any more; NULL while it is in force';
COMMENT ON COLUMN privacy.privacy_exclusions.withdrawn_by IS 'number of that sync';

-- Retention's role removes what has expired and nothing else.
CREATE TRIGGER expired_only BEFORE DELETE ON privacy.privacy_exclusions
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_early_removal();
ALTER TABLE privacy.privacy_exclusions ENABLE ALWAYS TRIGGER expired_only;
