-- The pseudonyms of a held person, one row for each epoch of a hold in force: rows are found by them when they would
-- expire. Under later epochs the API notes them, when it meets the person. Gone with the hold's release.
CREATE TABLE privacy.hold_actors (
    hold_id    uuid    NOT NULL,
    org_id     text    NOT NULL,
    domain     text    NOT NULL CHECK (domain IN ('actor', 'audit_actor')),
    epoch      integer NOT NULL,
    actor_hash text    NOT NULL CHECK (actor_hash ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (hold_id, domain, epoch)
);
CREATE INDEX hold_actors_actor ON privacy.hold_actors (org_id, actor_hash);
COMMENT ON TABLE privacy.hold_actors IS 'Pseudonyms of held persons, by which what they are in is kept.';
