-- Which numbers of each producer have come to the trail and to the security events. Services number the events that they
-- post of a kind, API processes the entries that they add to a stream, each from 1: a hole below the highest number is an
-- entry that was lost on its way. Kept as long as the trail: a number that is forgotten would look as if it had never
-- come. Written by audit.intake_note alone, in the transaction that ends a batch.
CREATE TABLE audit.intake_marks (
    origin     text           NOT NULL CHECK (origin IN ('service', 'api')),
    place      text           NOT NULL,
    producer   text           NOT NULL,
    high_water bigint         NOT NULL,
    seen       int8multirange NOT NULL,
    updated_at timestamptz    NOT NULL,
    PRIMARY KEY (origin, place, producer)
);
COMMENT ON TABLE audit.intake_marks IS 'High-water mark of each producer of audit and security entries, with the numbers that came.';

-- Retention's role removes what has expired and nothing else.
CREATE TRIGGER expired_only BEFORE DELETE ON audit.intake_marks
    FOR EACH ROW EXECUTE FUNCTION ops.refuse_early_removal();
ALTER TABLE audit.intake_marks ENABLE ALWAYS TRIGGER expired_only;
