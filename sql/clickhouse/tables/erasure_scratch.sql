-- Pseudonyms of the persons whose rows a sweep deletes, for as long as the sweep lasts: a statement that named them would
-- keep them in system.mutations and in the query log. Emptied when the sweep ends, and before one begins, whatever was left.
--
-- old_parts_lifetime: what was emptied must leave the disk at once; a power failure in between costs a sweep that is made
-- again, and nothing else.
CREATE TABLE erasure_scratch
(
    sweep_id UUID COMMENT 'the sweep that put it here',
    org_id String COMMENT 'tenant',
    actor_hash String COMMENT 'pseudonym of a person who is being erased'
)
ENGINE = MergeTree
ORDER BY (sweep_id, org_id, actor_hash)
SETTINGS old_parts_lifetime = 1
COMMENT 'Pseudonyms of persons who are being erased, while a sweep lasts.';
