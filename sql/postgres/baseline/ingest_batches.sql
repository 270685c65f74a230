-- Every batch of the drain. Its entry ids are committed here before the first insert, so that a crashed batch is formed
-- again from exactly the same entries; a replay is recognised by its batch id.
--   open    its entries may be in the stores or not: the next drain tries again
--   split   it broke the worker too often and lives on as two halves, `<batch_id>/0` and `<batch_id>/1`
--   closed  its rows are stored and counted; its entries may still be in the stream
--   acked   its entries are out of the stream; the ids are forgotten
-- For every closed or acked batch: events = stored + duplicate + id_conflict + too_late + erased + dead_lettered + missing.
-- An entry is one event, but for kinds with frames, where it is as many as it holds; `letters` are the entries that were put
-- aside. `erased` are events of persons who were erased, from before that: they are neither stored nor put aside.
-- `missing` are entries that were gone from the stream when the batch was formed again: never right, always looked at.
CREATE TABLE ingest.batches (
    stream            text        NOT NULL,
    batch_id          text        NOT NULL,
    root_id           text        NOT NULL,
    kind              text        NOT NULL,
    state             text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'split', 'closed', 'acked')),
    fencing           bigint      NOT NULL,
    run_id            text        NOT NULL DEFAULT '',
    entries           integer     NOT NULL CHECK (entries > 0),
    entry_ids         text[]      NOT NULL,
    -- Tries begun, and those of them that ended for a reason outside the batch (a store that did not answer).
    attempts          integer     NOT NULL DEFAULT 1,
    forgiven          integer     NOT NULL DEFAULT 0,
    opened_at         timestamptz NOT NULL,
    closed_at         timestamptz,
    first_received_at timestamptz,
    last_received_at  timestamptz,
    stored            integer     NOT NULL DEFAULT 0,
    duplicate         integer     NOT NULL DEFAULT 0,
    id_conflict       integer     NOT NULL DEFAULT 0,
    too_late          integer     NOT NULL DEFAULT 0,
    erased            integer     NOT NULL DEFAULT 0,
    dead_lettered     integer     NOT NULL DEFAULT 0,
    missing           integer     NOT NULL DEFAULT 0,
    events            integer     NOT NULL DEFAULT 0,
    letters           integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, batch_id),
    CHECK (state NOT IN ('closed', 'acked')
           OR events = stored + duplicate + id_conflict + too_late + erased + dead_lettered + missing),
    CHECK (state NOT IN ('closed', 'acked') OR (events >= entries AND letters <= dead_lettered))
);
-- What a starting drain looks for; closed history is never in it.
CREATE INDEX batches_unfinished ON ingest.batches (stream, batch_id) WHERE state IN ('open', 'closed');
-- The last entries of a stream, for the share of invalid ones.
CREATE INDEX batches_latest ON ingest.batches (stream, closed_at DESC) WHERE state IN ('closed', 'acked');
COMMENT ON TABLE ingest.batches IS 'Every batch of the drain: its entries, its state, and what became of them.';

-- Retention's role removes what has expired and nothing else.
CREATE TRIGGER expired_only BEFORE DELETE ON ingest.batches
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_early_removal();
ALTER TABLE ingest.batches ENABLE ALWAYS TRIGGER expired_only;
