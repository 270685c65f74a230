-- Which numbers of each producer the drain has seen. Every API process numbers the entries it adds to a stream from 1, so
-- a hole below the highest number is an entry that was lost between the API and the stores. A hole may close by itself
-- (two requests of one process may reach the stream in the other order): only one that stays is a loss.
CREATE TABLE ingest.producer_marks (
    stream     text           NOT NULL,
    producer   text           NOT NULL,
    high_water bigint         NOT NULL,
    seen       int8multirange NOT NULL,
    batch_id   text           NOT NULL,
    updated_at timestamptz    NOT NULL,
    gap_since  timestamptz,
    PRIMARY KEY (stream, producer)
);
COMMENT ON TABLE ingest.producer_marks IS 'High-water mark of each producer on each stream, with the numbers seen.';

-- Retention's role removes what has expired and nothing else.
CREATE TRIGGER expired_only BEFORE DELETE ON ingest.producer_marks
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_early_removal();
ALTER TABLE ingest.producer_marks ENABLE ALWAYS TRIGGER expired_only;
