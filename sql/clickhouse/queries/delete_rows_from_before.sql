-- The same rows, rewritten away; the statement names nobody, since mutations and the query log keep its text.
ALTER TABLE {table:Identifier}
DELETE WHERE (org_id, {column:Identifier}) IN (
    SELECT org_id, actor_hash FROM erasure_scratch WHERE sweep_id = {sweep_id:UUID}
) AND least(received_at, {time:Identifier}) <= {erased_at:DateTime64(3, 'UTC')}
SETTINGS mutations_sync = 2;
