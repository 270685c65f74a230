-- Rows of a sweep's persons from before their erasure, also superseded versions.
SELECT count()
FROM {table:Identifier}
WHERE (org_id, {column:Identifier}) IN (SELECT org_id, actor_hash FROM erasure_scratch WHERE sweep_id = {sweep_id:UUID})
    AND least(received_at, {time:Identifier}) <= {erased_at:DateTime64(3, 'UTC')};
