-- What a run is about to remove of a table, committed before its first deletion and gone with its proof. A row that is here
-- when a run begins was left by one that was killed: what it had removed is counted and proved first.
CREATE TABLE privacy.retention_announced (
    table_name     text        PRIMARY KEY,
    run_id         uuid        NOT NULL,
    store          text        NOT NULL,
    policy         text        NOT NULL,
    began_at       timestamptz NOT NULL,
    cut_off        timestamptz NOT NULL,
    rows_before    bigint      NOT NULL,
    expired_before bigint      NOT NULL,
    rows_held      bigint      NOT NULL,
    partitions     text[]      NOT NULL DEFAULT '{}'
);

COMMENT ON TABLE privacy.retention_announced IS 'What a run of retention is about to remove, until its proof is written.';
COMMENT ON COLUMN privacy.retention_announced.partitions IS 'names of whole partitions that are about to be dropped, or were';
