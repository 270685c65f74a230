-- Rows of a sweep's persons that are younger than the first of their erasures and not younger than the last.
SELECT count()
FROM {table:Identifier}
WHERE (org_id, {column:Identifier}) IN (SELECT org_id, actor_hash FROM erasure_scratch WHERE sweep_id = {sweep_id:UUID})
    AND least(received_at, {time:Identifier}) > {first:DateTime64(3, 'UTC')}
    AND least(received_at, {time:Identifier}) <= {last:DateTime64(3, 'UTC')};
