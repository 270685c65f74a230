-- The proof of retention: one row for each table that a run looked at, whether it removed anything or not. Rows are made by
-- `privacy.record_retention_run` alone, under a lock, so that they are one chain: each row's hash covers the one before.
--   done         nothing that has expired is left
--   partial      so many rows as a run may remove were removed, and the next run goes on
--   postponed    the table was busy, or the queue was long: nothing was removed, the next run tries again
--   stalled      what was asked for did not happen (merges stand still): rows that have expired are left
--   held         a legal hold keeps what is left
--   failed       the table could not be worked on; the run says why
--   interrupted  the run was killed; the next one counted what it had done, and wrote this row for it
CREATE TABLE privacy.retention_runs (
    number             bigint      PRIMARY KEY CHECK (number > 0),
    run_id             uuid        NOT NULL,
    table_name         text        NOT NULL,
    store              text        NOT NULL CHECK (store IN ('clickhouse', 'postgres')),
    policy             text        NOT NULL CHECK (policy <> ''),
    began_at           timestamptz NOT NULL,
    ended_at           timestamptz NOT NULL CHECK (ended_at >= began_at),
    cut_off            timestamptz NOT NULL CHECK (cut_off <= ended_at),
    dry_run            boolean     NOT NULL,
    rows_before        bigint      NOT NULL CHECK (rows_before >= 0),
    rows_after         bigint      NOT NULL CHECK (rows_after >= 0),
    expired_before     bigint      NOT NULL CHECK (expired_before >= 0),
    expired_after      bigint      NOT NULL CHECK (expired_after >= 0),
    partitions_dropped integer     NOT NULL CHECK (partitions_dropped >= 0),
    rows_dropped       bigint      NOT NULL CHECK (rows_dropped >= 0),
    rows_held          bigint      NOT NULL CHECK (rows_held >= 0),
    oldest_remaining   timestamptz,
    status             text        NOT NULL CHECK (
        status IN ('done', 'partial', 'postponed', 'stalled', 'held', 'failed', 'interrupted')),
    prev_hash          text        NOT NULL CHECK (prev_hash ~ '^[0-9a-f]{64}$'),
    row_hash           text        NOT NULL UNIQUE CHECK (row_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT dry_runs_remove_nothing CHECK (NOT dry_run OR (rows_dropped = 0 AND partitions_dropped = 0))
);
CREATE INDEX retention_runs_by_table ON privacy.retention_runs (table_name, number);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON privacy.retention_runs
    FOR EACH STATEMENT EXECUTE FUNCTION privacy.refuse_retention_change();
-- ALWAYS, because an ordinary trigger does not fire while session_replication_role is `replica`.
ALTER TABLE privacy.retention_runs ENABLE ALWAYS TRIGGER append_only;

COMMENT ON TABLE privacy.retention_runs IS 'The proof of retention: a row for each table and run, linked by hashes, append-only.';
COMMENT ON COLUMN privacy.retention_runs.number IS 'place in the chain, without gaps';
COMMENT ON COLUMN privacy.retention_runs.run_id IS 'random reference of the run';
COMMENT ON COLUMN privacy.retention_runs.policy IS 'how long rows are kept and why, as it was in force';
COMMENT ON COLUMN privacy.retention_runs.cut_off IS 'rows from before it are expired; of a table with partitions only, its whole partitions';
COMMENT ON COLUMN privacy.retention_runs.rows_before IS 'rows of the table when the run began with it';
COMMENT ON COLUMN privacy.retention_runs.rows_after IS 'rows of the table when the run had ended with it; others may have come meanwhile';
COMMENT ON COLUMN privacy.retention_runs.expired_before IS 'of those, rows that had expired';
COMMENT ON COLUMN privacy.retention_runs.expired_after IS 'rows that have expired and are left';
COMMENT ON COLUMN privacy.retention_runs.partitions_dropped IS 'partitions that were dropped whole';
COMMENT ON COLUMN privacy.retention_runs.rows_dropped IS 'rows that were removed, with those of dropped partitions';
COMMENT ON COLUMN privacy.retention_runs.rows_held IS 'expired rows that a legal hold keeps: here, or copied to where they are held';
COMMENT ON COLUMN privacy.retention_runs.oldest_remaining IS 'time of the oldest row that is left; NULL for an empty table';
COMMENT ON COLUMN privacy.retention_runs.prev_hash IS 'row_hash of the row before; 64 zeros in the first one';
COMMENT ON COLUMN privacy.retention_runs.row_hash IS 'SHA-256 over prev_hash and the canonical form of the row';
