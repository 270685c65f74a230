-- The list that a sync has just fetched, before it is compared with the one in force. Empty between two syncs.
CREATE TABLE privacy.privacy_exclusions_staged (
    network      cidr        PRIMARY KEY,
    last_updated timestamptz
);
COMMENT ON TABLE privacy.privacy_exclusions_staged IS 'The list that a sync has fetched and not yet taken over; empty between two syncs.';
COMMENT ON COLUMN privacy.privacy_exclusions_staged.network IS 'as in privacy_exclusions';
COMMENT ON COLUMN privacy.privacy_exclusions_staged.last_updated IS 'as in privacy_exclusions';
