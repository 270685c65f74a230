-- One row, locked by everybody who writes a run: the lock makes the runs one chain. `first_*` is where the chain begins
-- today: runs of over seven years ago have expired, and the first one that is left follows on the hash remembered here.
CREATE TABLE privacy.retention_head (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    first_number    bigint  NOT NULL DEFAULT 1 CHECK (first_number > 0),
    first_prev_hash text    NOT NULL DEFAULT repeat('0', 64),
    last_number     bigint  NOT NULL DEFAULT 0 CHECK (last_number >= first_number - 1),
    last_hash       text    NOT NULL DEFAULT repeat('0', 64)
);

INSERT INTO privacy.retention_head DEFAULT VALUES;

COMMENT ON TABLE privacy.retention_head IS 'Where the chain of retention runs begins and ends.';
COMMENT ON COLUMN privacy.retention_head.first_number IS 'number of the first run that is left';
COMMENT ON COLUMN privacy.retention_head.first_prev_hash IS 'row_hash of the run before it';
COMMENT ON COLUMN privacy.retention_head.last_number IS 'number of the newest run; 0 before the first';
COMMENT ON COLUMN privacy.retention_head.last_hash IS 'row_hash of the newest run';
