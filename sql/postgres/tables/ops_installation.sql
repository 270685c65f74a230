-- What this database is, in one row, and the clock that retention is told by.
--   kind          `demo` only where the database itself was made under the profile `demo`; never changes afterwards
--   travelled_to  the moment that a demo was moved to, and the real one at which that was done; NULL: the real clock
CREATE TABLE ops.installation (
    is_the_only_row boolean     PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
    kind            text        NOT NULL CHECK (kind IN ('real', 'demo')),
    made_at         timestamptz NOT NULL,
    travelled_to    timestamptz,
    travel_began    timestamptz,
    CHECK ((travelled_to IS NULL) = (travel_began IS NULL)),
    CHECK (travelled_to IS NULL OR (kind = 'demo' AND travelled_to > travel_began))
);
COMMENT ON TABLE ops.installation IS 'Whether this database is real or a demo, and where a demo''s clock stands.';
COMMENT ON COLUMN ops.installation.kind IS 'real or demo; decided when the database is made';
COMMENT ON COLUMN ops.installation.made_at IS 'when the database was made';
COMMENT ON COLUMN ops.installation.travelled_to IS 'the moment that a demo was moved to; NULL while it tells the real time';
COMMENT ON COLUMN ops.installation.travel_began IS 'the real moment of that move';

-- ALWAYS, because an ordinary trigger does not fire while session_replication_role is `replica`.
CREATE TRIGGER kind_is_final BEFORE UPDATE OR DELETE ON ops.installation
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_another_kind();
CREATE TRIGGER kind_is_not_emptied BEFORE TRUNCATE ON ops.installation
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_another_kind();
ALTER TABLE ops.installation ENABLE ALWAYS TRIGGER kind_is_final;
ALTER TABLE ops.installation ENABLE ALWAYS TRIGGER kind_is_not_emptied;
