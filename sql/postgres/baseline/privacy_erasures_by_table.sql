-- What an erasure did to each table, kept while it goes on, so that a run that is killed loses no count.
--   pending, days   rows that were found, and their days, committed before the statement that deletes them; whoever finds
--                   them here after a crash counts again: what is gone meanwhile was erased
--   erased          rows whose deletion was seen
--   unlinked        rows that stay without the person
--   survivors       rows that were left when it was last counted; NULL: not counted yet, which is not zero
--   mutated_at      the warehouse's clock after the last deletion: older parts of the table must go before the certificate
CREATE TABLE privacy.erasures_by_table (
    erasure_id uuid        NOT NULL REFERENCES privacy.erasures (erasure_id),
    table_name text        NOT NULL,
    pending    bigint      NOT NULL DEFAULT 0 CHECK (pending >= 0),
    days       date[]      NOT NULL DEFAULT '{}',
    erased     bigint      NOT NULL DEFAULT 0 CHECK (erased >= 0),
    unlinked   bigint      NOT NULL DEFAULT 0 CHECK (unlinked >= 0),
    survivors  bigint      CHECK (survivors >= 0),
    counted_at timestamptz,
    mutated_at timestamptz,
    PRIMARY KEY (erasure_id, table_name),
    CHECK ((survivors IS NULL) = (counted_at IS NULL))
);
COMMENT ON TABLE privacy.erasures_by_table IS 'What an erasure did to each table: counts, never whose.';
